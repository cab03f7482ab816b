"""A simulated OData service: query options, paging by the server and by the client, and the ways in which they fail.

The vendors' simulators (sap_s4.py, onec.py) are made of these: they add their data, their sign-in and their errors.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from sandbox import odata_render
from sandbox.odata_filter import BadFilter, Condition
from sandbox.odata_filter import parse as parse_filter
from sandbox.odata_store import EntitySet, Key, Record

PageHook = Callable[[str, int], None]


class Refusal(Exception):
    """The request is refused: a status, the vendor's code, and words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


@dataclass
class Switches:
    """How the services behave; all may be turned at any time.

    ``page_size``: the most rows in a page, with a link to the next (0: no paging by the server). ``links``: how that is
    written: "absolute", "relative", "encoded" (relative, and percent-encoded whole), "none" (the page just ends, as some
    servers do), or the name of another host. ``nested``: the most lines of an expanded list. ``keys_filter``: whether
    conditions with ``gt`` and ``ge`` on keys are understood. ``count_off_by``: added to every count. ``texts``: decimals of
    version 4 as texts (None: as the client asks). ``sap_client``: the one that must be asked for, '' for any.
    """

    page_size: int = 0
    links: str = "absolute"
    nested: int = 0
    keys_filter: bool = True
    count_off_by: int = 0
    texts: bool | None = None
    sap_client: str = ""


@dataclass
class Service:
    """One service of a host: where it is, its version and its entity sets.

    ``counts_ignore_paging``: an answer with an inline count ignores ``$top`` and ``$skip``, as 1C documents of itself.
    """

    root: str
    namespace: str
    version: str
    sets: dict[str, EntitySet]
    switches: Switches
    counts_ignore_paging: bool = False
    hook: PageHook | None = None
    pages: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str, options: Mapping[str, str], accept: str, base_url: str) -> tuple[str, str]:
        """The media type and body for a GET of a path below the root; raises `Refusal`."""
        if path == "$metadata":
            return "application/xml", odata_render.metadata(self.namespace, list(self.sets.values()), self.version)
        name, _, rest = path.partition("/$count") if path.endswith("/$count") else (path, "", "")
        link_of, _, navigation = path.rpartition("/")
        if "(" in link_of and link_of.endswith(")"):
            return self._media(), self._nested(link_of, navigation, options, base_url)
        entities = self.sets.get(name)
        if entities is None or rest:
            raise Refusal(404, "NO_SET", f"Resource not found for segment '{name}'")
        condition = self._condition(entities, options.get("$filter", ""))
        if path.endswith("/$count"):
            return "text/plain", str(self._total(entities, condition))
        return self._media(), self._page(entities, condition, options, accept, base_url)

    def _media(self) -> str:
        return "application/json;charset=utf-8"

    def _condition(self, entities: EntitySet, text: str) -> Condition | None:
        if not text:
            return None
        try:
            condition = parse_filter(text, entities.shape.fields, entities.collate, self.version)
        except (BadFilter, IndexError, TypeError) as error:
            raise Refusal(400, "BAD_FILTER", f"Invalid filter: {error}") from error
        if not self.switches.keys_filter and set(condition.above) & set(entities.shape.key):
            raise Refusal(400, "BAD_FILTER", "Filtering by key is not supported")
        return condition

    def _total(self, entities: EntitySet, condition: Condition | None) -> int:
        found = len(entities.records) if condition is None else sum(1 for _ in entities.find(condition, ()))
        return found + self.switches.count_off_by

    def _page(
        self,
        entities: EntitySet,
        condition: Condition | None,
        options: Mapping[str, str],
        accept: str,
        base_url: str,
    ) -> str:
        with self.lock:
            self.pages[entities.name] = self.pages.get(entities.name, 0) + 1
            if self.hook is not None:
                self.hook(entities.name, self.pages[entities.name])
        counted = options.get("$inlinecount") == "allpages" or options.get("$count") == "true"
        ignore = counted and self.counts_ignore_paging
        skip = 0 if ignore else _number(options.get("$skip", "0")) + _number(options.get("$skiptoken", "0"))
        top = _number(options["$top"]) if "$top" in options and not ignore else None
        most = min(each for each in (top, self.switches.page_size or None, 10**9) if each is not None)
        rows: list[tuple[Key, Record]] = []
        with entities.lock:
            for at, row in enumerate(entities.find(condition, _orderby(options.get("$orderby", ""), entities))):
                if at >= skip:
                    if len(rows) >= most:
                        break
                    rows.append(row)
        texts = "ieee754compatible=true" in accept.lower() if self.switches.texts is None else self.switches.texts
        expand = [each for each in options.get("$expand", "").split(",") if each]
        for each in expand:
            if each not in entities.shape.navigation:
                raise Refusal(400, "BAD_EXPAND", f"Navigation property '{each}' is unknown")
        root = f"{base_url}{self.root}"
        writer = odata_render.Writer(self.version, root, tuple(expand), texts, self.switches.nested)
        texts_of = [writer.record(entities, key, row) for key, row in rows]
        full = bool(self.switches.page_size) and len(rows) == self.switches.page_size and (top is None or top > most)
        link = self._link(entities, options, skip + len(rows), base_url) if full else ""
        total = self._total(entities, condition) if counted else None
        context = f"{root}/$metadata#{entities.name}"
        return odata_render.page(texts_of, self.version, link=link, total=total, context=context)

    def _link(self, entities: EntitySet, options: Mapping[str, str], at: int, base_url: str) -> str:
        how = self.switches.links
        if how == "none":
            return ""
        kept = {name: given for name, given in options.items() if name not in ("$skiptoken", "$skip")}
        if "$top" in kept:
            kept["$top"] = str(_number(kept["$top"]) - (at - _number(options.get("$skip", "0"))))
        query = "&".join(f"{name}={quote(given, safe='')}" for name, given in {**kept, "$skiptoken": str(at)}.items())
        relative = f"{entities.name}?{query}"
        if how == "relative":
            return relative
        if how == "encoded":
            return quote(relative, safe="")
        return f"{base_url if how == 'absolute' else how}{self.root}/{relative}"

    def _nested(self, parent: str, navigation: str, options: Mapping[str, str], base_url: str) -> str:
        """The rest of an expanded list: ``Set('17')/to_Item?$skiptoken=2``."""
        name, _, literal = parent.removesuffix(")").partition("(")
        key = tuple(unquote(part).strip("'") for part in literal.split(","))
        entities = self.sets.get(name)
        row = entities.records.get(key) if entities else None
        if entities is None or row is None or navigation not in entities.shape.navigation:
            raise Refusal(404, "NO_SET", f"Resource not found for segment '{navigation}'")
        shape = entities.shape.navigation[navigation]
        begin = _number(options.get("$skiptoken", "0"))
        rows = row[navigation]
        most = self.switches.nested or len(rows)
        writer = odata_render.Writer(self.version, f"{base_url}{self.root}")
        texts_of = [writer.object(shape, row, navigation) for row in rows[begin : begin + most]]
        further = begin + most < len(rows)
        link = f"{base_url}{self.root}/{parent}/{navigation}?$skiptoken={begin + most}" if further else ""
        return odata_render.page(texts_of, self.version, link=link, total=None, context=f"$metadata#{name}")


def _number(text: str) -> int:
    if not text.isdigit():
        raise Refusal(400, "BAD_OPTION", f"Invalid value '{text}' of a query option")
    return int(text)


def _orderby(text: str, entities: EntitySet) -> Sequence[tuple[str, bool]]:
    order = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, direction = part.partition(" ")
        if name not in entities.shape.fields:
            raise Refusal(400, "BAD_ORDER", f"Property '{name}' is unknown")
        order.append((name, direction.strip() == "desc"))
    return order


def error_v2(code: str, words: str) -> bytes:
    """An error as SAP Gateway writes it."""
    details = [{"code": code, "message": words, "propertyref": "", "severity": "error"}]
    inner = {"transactionid": "0000", "timestamp": "20260131080000.0000000", "errordetails": details}
    return _json({"error": {"code": code, "message": {"lang": "en", "value": words}, "innererror": inner}})


def error_v3(code: str, words: str) -> bytes:
    """An error as 1C writes it."""
    return _json({"odata.error": {"code": code, "message": {"lang": "ru", "value": words}}})


def error_v4(code: str, words: str) -> bytes:
    """An error of version 4."""
    return _json({"error": {"code": code, "message": words, "details": [{"code": code, "message": words}]}})


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
