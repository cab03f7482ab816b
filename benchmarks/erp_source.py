"""Serves products as SAP S/4HANA would over OData, and customers as QuickBooks would, as many of each and as fast.

The products are those of the sandbox, written once. An answer is one join of texts that lie in memory, so that the
server is never what is measured. `POST /control?version=2` changes to a version with 1 % of the records changed.

    python -m benchmarks.erp_source --records 100000      prints its port
"""

import argparse
import asyncio
import re
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks import source
from benchmarks.data import CUSTOMERS
from sandbox import sap_s4_data
from sandbox.odata_render import Writer

SERVICE = "sap/opu/odata/sap/API_PRODUCT_SRV"
_AFTER = re.compile(r"Product gt '((?:[^']|'')*)'")


class Source(source.Source):
    """Customers in both versions, and products in the order of their keys."""

    def __init__(self, records: int) -> None:
        super().__init__(records / CUSTOMERS)
        for version in self.versions.values():
            version["Invoice"] = []
        made = [sap_s4_data.product(at) for at in range(records)]
        made.sort(key=lambda product: sap_s4_data.alpha("", product["Product"]))
        shape = sap_s4_data.product_set("API_PRODUCT_SRV").shape
        writer = Writer("2.0", f"https://s4.example.com/{SERVICE}", ("to_Description",))
        first = [writer.object(shape, product, "A_Product").encode() for product in made]
        second = list(first)
        for at in range(7, records, 100):
            edited = made[at] | {"Brand": "Edited"}
            second[at] = writer.object(shape, edited, "A_Product").encode()
        self.products = {"1": first, "2": second}
        self.place = {product["Product"]: at for at, product in enumerate(made)}

    def answer(self, method: str, target: str) -> bytes:
        """The body for a request."""
        parts = urlsplit(target)
        if not parts.path.startswith(f"/{SERVICE}"):
            return super().answer(method, target)
        products = self.products[self.version]
        if parts.path.endswith("/$count"):
            return str(len(products)).encode()
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        after = _AFTER.search(unquote(asked.get("$filter", "")))
        begin = self.place[after[1]] + 1 if after else 0
        return b'{"d":{"results":[%s]}}' % b",".join(products[begin : begin + int(asked["$top"])])


async def serve(records: int) -> None:
    """Serve until this process is ended."""
    made = Source(records)
    server = await asyncio.get_running_loop().create_server(lambda: source.Connection(made), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    asyncio.run(serve(parser.parse_args().records))


if __name__ == "__main__":
    main()
