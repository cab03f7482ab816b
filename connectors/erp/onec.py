"""1C:Enterprise over its standard OData interface (version 3). It only reads.

Names are those of each company's configuration, so the mapping says them. There is no paging by the server and no time
of change that can be trusted: everything is read, in the order of ``Ref_Key``, and the warehouse finds what is new.
An answer with ``$inlinecount`` ignores ``$top`` and ``$skip``, so sets are counted apart. Facts: the vendor's
documentation, and programs in the open.
"""

import httpx

from connectors.erp.odata import ODataErp, Settings, system_of
from connectors.errors import AuthRejected, ConnectorError, SourceError
from connectors.http import ATTEMPTS, MAX_BODY_BYTES, TIMEOUT_S, TOTAL_WAIT_S, Body, Limiter, OnCall
from connectors.odata.client import ODataClient
from connectors.odata.faults import Fault

SERVICE = "odata/standard.odata"

BUSINESS, NOT_PUBLISHED, BAD_OPTIONS, NO_RIGHTS = "-1", "8", "14", "20"


def client(
    *,
    base_url: str,
    auth: httpx.Auth | None,
    settings: Settings | None = None,
    allowed_only: bool = False,
    limiter: Limiter | None = None,
    timeout_s: float = TIMEOUT_S,
    retry_attempts: int = ATTEMPTS,
    retry_total_s: float = TOTAL_WAIT_S,
    max_body_bytes: int = MAX_BODY_BYTES,
    allow_http: bool = False,
    on_call: OnCall | None = None,
) -> ODataErp:
    """A client of one information base. ``allowed_only``: rows that the login may not see are left out, not refused."""
    odata = ODataClient(
        base_url=base_url,
        auth=auth,
        parameters={"allowedOnly": "true"} if allowed_only else {},
        judge=judge,
        limiter=limiter,
        timeout_s=timeout_s,
        retry_attempts=retry_attempts,
        retry_total_s=retry_total_s,
        max_body_bytes=max_body_bytes,
        allow_http=allow_http,
        on_call=on_call,
    )
    chosen = settings or Settings(service=SERVICE, version="v3", guid_keys=True)
    return ODataErp(odata, chosen, system_of(base_url))


def judge(fault: Fault, body: Body) -> ConnectorError | None:
    """What 1C's own codes mean; status 500 with code -1 is a refusal of the configuration and passes by no waiting."""
    said = f"{body.where} answered {body.status} with error {fault.words}"
    if fault.code == NO_RIGHTS:
        return AuthRejected(f"{said} (the login lacks the right to read this).")
    if fault.code == NOT_PUBLISHED:
        return SourceError(f"{said} (not published: name it in the composition of the standard OData interface).")
    if fault.code == BAD_OPTIONS:
        return SourceError(f"{said} (where this base cannot compare keys, set `paging` of the connection to skip).")
    if fault.code == BUSINESS:
        return SourceError(f"{said} (a refusal of the configuration).")
    return None
