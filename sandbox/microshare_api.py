"""The simulator's answers: `/device`, `/share` and the sign-ins, at the root and below `/api` and `/subset`."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.faults import Fault, delay, spoil_transport
from sandbox.journal import as_json
from sandbox.microshare_store import Cluster

if TYPE_CHECKING:
    from sandbox.microshare import Microshare

PREFIXES = ("", "/api", "/subset")
DEFAULT_PER_PAGE = 999
DAY_MS = 86_400_000


def app(vendor: "Microshare") -> Starlette:
    """All routes of one simulator."""
    api = Api(vendor)

    async def journal(_request: Request) -> Response:
        return Response(json.dumps(as_json(vendor.journal.entries())), media_type="application/json")

    routes = [Route("/_sandbox/journal", journal)]
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    paths = ("/login", "/oauth2/token", "/device/{rec_type}", "/device/{rec_type}/{id}", "/share/{rest:path}")
    routes += [Route(prefix + path, api, methods=methods) for prefix in PREFIXES for path in paths]
    return Starlette(routes=routes)


class Api:
    """One request after the other, each noted in the journal with what it was for."""

    def __init__(self, vendor: "Microshare") -> None:
        self.vendor = vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        kind = _kind(request)
        met = self.vendor.faults.met_by(request.url.path, kind, kind in ("discovery", "listing"))
        await delay(met)
        await asyncio.sleep(self.vendor.latency_s.get(kind, 0))
        instead = next(filter(None, map(self.vendor.faults.instead, met)), None)
        stored = next((fault for fault in met if fault.kind.startswith("stored_")), None)
        if instead is None or stored is not None:
            real = await self._answer(request, kind)
            response = instead if instead is not None and real.status_code < 300 else real
        else:
            response = instead
        self._note(request, kind, response, met)
        await spoil_transport(response, met)(scope, receive, send)

    def _note(self, request: Request, kind: str, response: Response, met: Sequence[Fault]) -> None:
        self.vendor.journal.add(
            at=time.time(), method=request.method, path=request.url.path, statement=kind,
            status=response.status_code, fault=met[0].kind if met else None,
        )  # fmt: skip

    async def _answer(self, request: Request, kind: str) -> Response:
        if kind == "login":
            web = request.url.path.endswith("/login")
            return await (self.vendor.sign_ins.web if web else self.vendor.sign_ins.oauth)(request)
        if not self.vendor.sign_ins.knows(request.headers.get("authorization", "")):
            return Response(b'{"error":"Unauthorized"}', 401, media_type="application/json")
        if kind == "listing":
            return self._listed(request)
        if request.method not in ("GET", "PUT"):
            return Response(b"io.microshare: clusters of the sandbox are neither made nor removed", 405)
        if "id" not in request.path_params:
            return self._discovered(request)
        return await self._one(request)

    def _discovered(self, request: Request) -> Response:
        asked, vendor = request.query_params, self.vendor
        if asked.get("discover") != "true" or not asked.get("perPage", "1").isdigit():
            return Response(b"Service Unavailable", 503, media_type="text/plain")
        wanted = request.path_params["rec_type"]
        with vendor.lock:
            found = [each for each in vendor.clusters.values() if wanted in ("*", each.rec_type)]
            if request.url.path.startswith("/subset"):
                found = found[::2]
            texts = [self._text(each, asked.get("details") == "true") for each in found]
        return _envelope(texts, asked, vendor.hidden)

    async def _one(self, request: Request) -> Response:
        vendor, id_ = self.vendor, request.path_params["id"]
        body = await request.body()
        if request.method == "PUT" and vendor.before_write is not None and id_ in vendor.clusters:
            vendor.before_write(id_)
        with vendor.lock:
            cluster = vendor.clusters.get(id_)
            if cluster is None or cluster.rec_type != request.path_params["rec_type"]:
                text = b"io.microshare.utils.NotFoundException: Record not found or inaccessible."
                return Response(text, 404, media_type="text/plain")
            if request.method == "PUT" and not cluster.store(body):
                return Response(b'{"error":"Bad Request"}', 400, media_type="application/json")
            details = request.method == "PUT" or request.query_params.get("details") == "true"
            answer = b'{"meta":{"totalCount":1,"currentCount":1},"objs":[' + self._text(cluster, details) + b"]}"
        if request.method == "GET" and vendor.after_read is not None:
            vendor.after_read(id_)
        return Response(answer, media_type="application/json")

    def _listed(self, request: Request) -> Response:
        path, asked, vendor = request.path_params["rest"], request.query_params, self.vendor
        if vendor.slash_on_lists and not path.endswith("/"):
            return Response(b'{"error":"Forbidden"}', 403, media_type="application/json")
        since = asked.get("since", "").removesuffix("d")
        if not since.isdigit():
            return Response(b"<h1>504 Gateway Time-out</h1>", 504, media_type="text/html")
        first = time.time() * 1000 - int(since) * DAY_MS
        with vendor.lock:
            found = [each for each in vendor.records.get(path.strip("/"), []) if each["tstamp"] >= first]
        found.sort(key=lambda each: -each["tstamp"])
        return _envelope([json.dumps(each).encode() for each in found], asked, 0)

    def _text(self, cluster: Cluster, details: bool) -> bytes:
        return cluster.text(details=details, with_checksum=self.vendor.with_checksums)


def _kind(request: Request) -> str:
    path = request.url.path
    if path.endswith(("/login", "/oauth2/token")):
        return "login"
    if "/share/" in path:
        return "listing"
    if "id" not in request.path_params:
        return "discovery"
    return "write" if request.method == "PUT" else "read"


def _envelope(texts: Sequence[bytes], asked: QueryParams, hidden: int) -> Response:
    page, size = int(asked.get("page", "1")), int(asked.get("perPage", str(DEFAULT_PER_PAGE)))
    part = texts[(page - 1) * size : page * size]
    total = len(texts) + hidden  # what the account may not see is counted all the same, in records and in pages
    meta = {"totalPages": max(1, -(-total // size)), "currentPage": page, "perPage": size, "totalCount": total,
            "currentCount": len(part)}  # fmt: skip
    body = b'{"meta":' + json.dumps(meta).encode() + b',"objs":[' + b",".join(part) + b"]}"
    return Response(body, media_type="application/json")
