"""The ERP part of the benchmark: both sources give as many records, and the ratios are what they say."""

from benchmarks import erp
from benchmarks.fetch import Memory
from connectors.erp import sap_s4
from connectors.erp.mapping import load
from connectors.erp.streams import streams
from connectors.odata.auth import Basic
from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.streams import STREAMS


def test_both_connectors_read_as_many_records_from_the_page_server() -> None:
    """The page server speaks as much OData and QuickBooks as our connectors need, in both versions."""
    [products] = streams(load("sap-s4"), ["products"])
    with erp.page_server(2000) as source:
        address = {"base_url": source.url, "token_url": source.url, "realm_id": "1"}
        with (
            sap_s4.client(base_url=source.url, auth=Basic("bench", "bench-only")) as sap,
            QuickBooksClient(client_id="bench", client_secret="bench-only", tokens=Memory(), **address) as quickbooks,
        ):
            found = {}
            for version in (1, 2):
                source.control(version=version)
                pages = list(products.pages(sap, None))
                assert pages[-1].complete
                found[version] = [bytes(record) for page in pages for record in page.records]
                assert len(found[version]) == 2000
                assert sum(len(page.records) for page in STREAMS[0].pages(quickbooks, None)) == 2000
            assert sum(one != other for one, other in zip(found[1], found[2], strict=True)) == 20


def test_the_ratios_are_net_of_an_empty_flow() -> None:
    """What Prefect costs is taken from both sides, and the page says so."""
    row = {"client_s": 1.0, "postgres_s": 1.0, "wall_s": 1.0, "wal_bytes": 1e6, "peak_rss": 1e6}
    cpu = {"flow": 2.0, "quickbooks_first": 12.0, "erp_first": 14.0, "quickbooks_rerun": 4.0, "erp_rerun": 5.0}
    result = erp.found(100, {name: row | {"cpu_s": value} for name, value in cpu.items()})
    assert result["ratios"] == {"first": 1.2, "rerun": 1.5}
    assert result["ratios_gross"] == {"first": 1.167, "rerun": 1.25}
    assert "| first | 1.20 | 1.17 | ≤ 1.3 |" in erp.table(result)
