"""What a customer of Cetec means: the columns of `cetec.customer`."""

from datetime import datetime
from typing import Annotated

import msgspec

from connectors.stream import column


class Customer(msgspec.Struct):
    """A customer in Cetec, billing or not, and where its backup database was found.

    Sources that begin with `landfall.` are not Cetec's: they are what the run found out or was told. A login secret
    that Cetec keeps beside them (techx_password) is neither asked for nor stored.
    """

    id: Annotated[str, column("Id given by Cetec", source="id")]
    name: Annotated[str | None, column("Name of the customer", source="name")] = None
    domain: Annotated[
        str | None,
        column("Label of the customer's instance, and the name of its database; as given, so it may be blank",
               source="domain"),
    ] = None  # fmt: skip
    external_key: Annotated[
        str | None, column("Key in another system; only there when a run asked for it", source="external_key")
    ] = None
    ok_to_bill: Annotated[bool | None, column("Whether the customer is billed", source="ok_to_bill")] = None
    priority_support: Annotated[str | None, column("Level of support, as given", source="priority_support")] = None
    support_level: Annotated[
        str | None,
        column("Level of support in one spelling: lite, standard or enterprise; null for none and for unknown ones",
               source="landfall.support_level"),
    ] = None  # fmt: skip
    resident_hosting: Annotated[
        bool | None, column("Whether the customer hosts its instance itself", source="resident_hosting")
    ] = None
    test_environment: Annotated[str | None, column("Kind of test environment, as given", source="test_environment")] = (
        None
    )
    itar_hosting_bc: Annotated[
        bool | None, column("Whether the instance is hosted under ITAR rules", source="itar_hosting_bc")
    ] = None
    num_prod_users: Annotated[int | None, column("Production users", source="num_prod_users", unit="users")] = None
    num_full_users: Annotated[int | None, column("Full users", source="num_full_users", unit="users")] = None
    database_state: Annotated[
        str | None,
        column("State of the backup database: true, false, resident_hosting, itar_hosting, unavailable, mysql_error, "
               "batch_timeout, invalid_domain, mysql_disabled or not_billing", source="landfall.database_state"),
    ] = None  # fmt: skip
    database_reason: Annotated[str | None, column("Why it is in this state", source="landfall.database_reason")] = None
    database_schema: Annotated[
        str | None,
        column("The schema that was looked for; null when none was", source="landfall.database_schema"),
    ] = None
    database_checked_at: Annotated[
        datetime | None,
        column("When MySQL was asked and first gave this answer; later checks with the same answer do not move it, "
               "cetec.run_summary.checked_at has the time of every check", source="landfall.database_checked_at"),
    ] = None  # fmt: skip
    database_stale: Annotated[
        bool | None,
        column("Whether the state is that of an earlier run, because MySQL gave no answer since",
               source="landfall.database_stale"),
    ] = None  # fmt: skip
    last_pulled_at: Annotated[
        datetime | None,
        column("When somebody last pulled the customer's backup (cetec.backup_pull)", source="landfall.last_pulled_at"),
    ] = None
