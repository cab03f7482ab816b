"""Serves the made-up company as QuickBooks would, so fast that it never is what a benchmark measures.

Everything is in memory as bytes; an answer is one join of a thousand of them. It understands the queries of
connectors/quickbooks (by value, by id, COUNT), change data capture, and plain paging by position, for the peers.
`POST /control?version=2` changes to the second version, `version=hour` to what an hour brings, `latency_ms=150` delays
every answer as a distant vendor would.

    python -m benchmarks.source --scale 0.1      prints its port
"""

import argparse
import asyncio
import json
import re
from bisect import bisect_left
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.data import LATER, SPAN, Company, Record

ENTITIES = ("Customer", "Vendor", "Item", "Invoice")
_FROM = re.compile(r"(?i)\bfrom (\w+)")
_SINCE = re.compile(r"LastUpdatedTime >=? ?'([^']+)'")
_IDS = re.compile(r"Id IN \(([^)]*)\)")
_ID = re.compile(rb'"sparse":false,"Id":"(\d+)"')
_PLACE = re.compile(r"(?i)startposition (\d+) maxresults (\d+)")
CAPTURED = 1000  # objects in one answer of change data capture
TOKEN = b'{"access_token":"bench-access","refresh_token":"bench-refresh","expires_in":86400}'
COMPANY = b'{"CompanyInfo":{"CompanyName":"Bench","Country":"US"}}'


class Source:
    """The company in all its versions, and what was asked of it."""

    def __init__(self, scale: float) -> None:
        company = Company(scale)
        first: dict[str, list[Record]] = {entity: company.first(entity) for entity in ENTITIES}
        self.versions = {
            "1": first,
            "2": {entity: company.second(entity, first[entity]) for entity in ENTITIES},
            "hour": {entity: company.hour(entity, first[entity]) for entity in ENTITIES},
        }
        # Who asks by id, or for deletions, asks about an hour's changes.
        self.ids = {
            version: {entity: {_id(text): text for _, text in self.versions[version][entity]} for entity in ENTITIES}
            for version in ("1", "hour")
        }
        self.clocks = dict.fromkeys(self.versions, company.begin + SPAN + LATER) | {"1": company.begin + SPAN}
        self.version = "1"
        self.latency_s = 0.0
        self.in_flight = self.peak_in_flight = self.requests = self.sent_bytes = 0

    def answer(self, method: str, target: str) -> bytes:
        """The body for a request."""
        parts = urlsplit(target)
        parameters = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/control":
            return self.control(parameters)
        if method == "POST":
            return TOKEN
        if parts.path.endswith("/query"):
            return self.told(b'"QueryResponse":' + self.query(unquote(parameters["query"])))
        if parts.path.endswith("/cdc"):
            return self.told(
                b'"CDCResponse":' + self.changes(parameters["entities"].split(","), parameters["changedSince"])
            )
        return COMPANY

    def told(self, answer: bytes) -> bytes:
        """An answer with the clock of this version beside it."""
        clock = datetime.fromtimestamp(self.clocks[self.version], UTC)
        return b'{%s,"time":"%s"}' % (answer, clock.isoformat().encode())

    def control(self, parameters: dict[str, str]) -> bytes:
        """Change version or latency; tell the counts so far and begin them anew."""
        self.version = parameters.get("version", self.version)
        self.latency_s = int(parameters.get("latency_ms", 1000 * self.latency_s)) / 1000
        told = {"requests": self.requests, "sent_bytes": self.sent_bytes, "peak_in_flight": self.peak_in_flight}
        self.requests = self.sent_bytes = self.peak_in_flight = 0
        return json.dumps(told).encode()

    def query(self, statement: str) -> bytes:
        """Records of one entity, or their count."""
        entity = re.search(_FROM, statement)[1]  # type: ignore[index]
        records = self.versions[self.version].get(entity, [])
        if "COUNT(*)" in statement:
            return b'{"totalCount":%d}' % len(records)
        since, place, ids = _SINCE.search(statement), _PLACE.search(statement), _IDS.search(statement)
        if ids:
            known = self.ids.get(self.version, {}).get(entity, {})
            return _list(entity, [known[id_] for id_ in re.findall(r"'(\d+)'", ids[1]) if id_ in known])
        start = bisect_left(records, (_seconds(since[1]), b"")) if since else 0
        if place:
            start += int(place[1]) - 1
        return _list(entity, [text for _, text in records[start : start + (int(place[2]) if place else 100)]])

    def changes(self, entities: list[str], since: str) -> bytes:
        """What change data capture tells: what changed, then what is gone, at most 1,000 in all."""
        groups, left = [], CAPTURED
        for entity in entities:
            records = self.versions[self.version].get(entity, [])
            ids = self.ids.get(self.version, self.ids["1"]).get(entity, {})
            texts = [text for _, text in records[bisect_left(records, (_seconds(since), b"")) :]]
            gone = [id_ for id_ in self.ids["1"].get(entity, ()) if id_ not in ids]
            texts = (texts + [b'{"domain":"QBO","status":"Deleted","Id":"%s"}' % id_.encode() for id_ in gone])[:left]
            left -= len(texts)
            groups.append(_list(entity, texts))
        return b'[{"QueryResponse":[' + b",".join(groups) + b"]}]"


def _list(entity: str, texts: list[bytes]) -> bytes:
    return b'{"%s":[%s]}' % (entity.encode(), b",".join(texts)) if texts else b"{}"


def _id(text: bytes) -> str:
    found = _ID.search(text)
    assert found is not None
    return found[1].decode()


def _seconds(written: str) -> int:
    return int(datetime.fromisoformat(written).timestamp())


class Connection(asyncio.Protocol):
    """As much of HTTP/1.1 as clients need: requests one after another on a connection that stays open."""

    transport: asyncio.Transport

    def __init__(self, source: Source) -> None:
        self.source, self.received = source, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that has arrived whole."""
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, rest = self.received.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.received = rest[size:]
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            source = self.source
            source.in_flight += 1
            source.peak_in_flight = max(source.peak_in_flight, source.in_flight)
            if source.latency_s and not target.startswith("/control"):
                asyncio.get_running_loop().call_later(source.latency_s, self.send, method, target)
            else:
                self.send(method, target)

    def send(self, method: str, target: str) -> None:
        """Send the answer to one request."""
        body = self.source.answer(method, target)
        self.source.requests += 1
        self.source.sent_bytes += len(body)
        self.source.in_flight -= 1
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        self.transport.write(body)


async def serve(scale: float) -> None:
    """Serve until this process is ended."""
    source = Source(scale)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(source), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    asyncio.run(serve(parser.parse_args().scale))


if __name__ == "__main__":
    main()
