"""The connection to the simulated vendor."""

from pydantic import SecretStr

from benchmarks.crash.vendor import SEED
from benchmarks.crash.world import World
from blocks.quickbooks import QuickBooks

CONNECTION = "crash"
ALWAYS_FULL = 1e-9  # hours: no reading is so recent that changes would do


def block(world: World) -> QuickBooks:
    """The connection to the simulated vendor, as Prefect would give it."""
    found = QuickBooks(
        realm_id="1", client_id="crash", client_secret=SecretStr("canary-client"), refresh_token=SecretStr(SEED),
        base_url=world.source.url, token_url=f"{world.source.url}/token", retry_attempts=1, requests_per_second=0,
        requests_per_minute=0, max_in_flight=4, timeout_s=20, full_every_hours=ALWAYS_FULL,
        entities="customer,vendor,item,invoice", dbt_views=False,
    )  # fmt: skip
    found._block_document_name = CONNECTION
    return found
