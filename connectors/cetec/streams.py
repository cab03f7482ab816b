"""What can be read from Cetec: its customers, each with the state of its backup database."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.cetec.client import CetecClient
from connectors.cetec.enrich import Enrichment
from connectors.cetec.models import Customer
from connectors.cetec.states import STATES
from connectors.stream import Gate, Page, Stream


def _pages(client: CetecClient, cursor: Mapping[str, Any] | None) -> Iterator[Page]:
    """All customers, for a run that knows nothing of earlier ones; there is no cursor at Cetec."""
    return Enrichment().pages(client, cursor)


CUSTOMER = Stream(
    name="customer",
    schema="cetec",
    record=Customer,
    key=("id",),
    pages=_pages,
    gates=(
        Gate("expect_column_values_to_be_in_set", {"column": "database_state", "value_set": list(STATES)}),
        Gate("expect_column_values_to_not_be_null", {"column": "name", "mostly": 0.95}, blocks=False),
    ),
    history=True,
)

STREAMS: tuple[Stream, ...] = (CUSTOMER,)
