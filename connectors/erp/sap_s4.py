"""SAP S/4HANA over its OData services, version 2 and 4. It only reads.

Facts: the vendor's API documentation and real metadata. What pushes orders to S/4 belongs beside this file: a token
fetched with the session's cookies from the service's root, and one POST that is never repeated without looking first.
"""

import ssl

import httpx

from connectors.erp.odata import ODataErp, Settings, system_of
from connectors.errors import ConnectorError, SourceError
from connectors.http import ATTEMPTS, TIMEOUT_S, TOTAL_WAIT_S, Body, Limiter, OnCall
from connectors.odata.client import ODataClient
from connectors.odata.faults import Fault

_NO_SERVICE = ("/IWFND/MED/170", "/IWFND/CM_MGW/014")


def client(
    *,
    base_url: str,
    auth: httpx.Auth | None,
    sap_client: str = "",
    settings: Settings | None = None,
    limiter: Limiter | None = None,
    timeout_s: float = TIMEOUT_S,
    retry_attempts: int = ATTEMPTS,
    retry_total_s: float = TOTAL_WAIT_S,
    allow_http: bool = False,
    on_call: OnCall | None = None,
    context: ssl.SSLContext | None = None,
) -> ODataErp:
    """A client of one S/4HANA system; ``sap_client`` is the three-digit client, '' for the system's default.

    ``context``: from `connectors.tls`, where the system wants a certificate.
    """
    odata = ODataClient(
        base_url=base_url,
        auth=auth,
        parameters={"sap-client": sap_client} if sap_client else {},
        judge=judge,
        limiter=limiter,
        timeout_s=timeout_s,
        retry_attempts=retry_attempts,
        retry_total_s=retry_total_s,
        allow_http=allow_http,
        on_call=on_call,
        context=context,
    )
    return ODataErp(odata, settings or Settings(), system_of(base_url, sap_client))


def judge(fault: Fault, body: Body) -> ConnectorError | None:
    """A service that is not activated answers 403 or 404 with a code of the gateway; neither is about the login."""
    if fault.code in _NO_SERVICE:
        return SourceError(
            f"{body.where} answered {body.status} with error {fault.words} (the service is not activated for this "
            "system: transaction /IWFND/MAINT_SERVICE, or the communication arrangement in the cloud)."
        )
    return None
