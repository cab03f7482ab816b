"""Reads the source with our connector and throws everything away: the floor under every load. Argument: its address."""

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.streams import streams
from connectors.stream import Stream


class Memory:
    """Tokens that are kept nowhere."""

    def read(self) -> Mapping[str, Any]:
        """An access token that lasts."""
        return {"access_token": "bench-access", "refresh_token": "bench-refresh", "expires_at": time.time() + 86_400}

    def save(self, token: Mapping[str, Any]) -> None:
        """Forget it."""

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else is there."""
        yield


def main(base_url: str) -> None:
    """Read all streams side by side, as the flow does."""
    with QuickBooksClient(
        base_url=base_url, token_url=base_url, realm_id="1", client_id="bench", client_secret="bench-secret",  # noqa: S106
        tokens=Memory(),
    ) as client:  # fmt: skip

        def read(stream: Stream) -> int:
            return sum(len(page.records) for page in stream.pages(client, None))

        four = streams(("customer", "vendor", "item", "invoice"))
        with ThreadPoolExecutor(len(four)) as pool:
            print(dict(zip((stream.name for stream in four), pool.map(read, four), strict=True)))


if __name__ == "__main__":
    main(sys.argv[1])
