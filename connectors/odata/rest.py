"""The rest of a list inside a record: a service may cut an expanded collection short and say where it goes on.

Whoever overlooks that link loses the lines of large orders. The record is put together from the texts that came, so
that no number is read and written again.
"""

import msgspec

from connectors.errors import PagingLoop
from connectors.odata.client import ODataClient, Reply
from connectors.odata.dialect import Dialect
from connectors.paging import LoopGuard

MOST_LINES = 1_000_000  # of one record; beyond that it is a fault of the service

Members = dict[str, msgspec.Raw]
_object = msgspec.json.Decoder(Members)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)


def completed(client: ODataClient, dialect: Dialect, record: msgspec.Raw, reply: Reply) -> msgspec.Raw:
    """The record with all of its lists; itself when nothing was cut short, as is the rule.

    Raises what following the links raises. A record that is no object comes back as it is: it is not judged here.
    """
    if f'{dialect.nested_link}"'.encode() not in bytes(record):
        return record
    try:
        members = _object.decode(record)
        if dialect.version == "2.0":
            changed = {name: _verbose(client, dialect, value, reply) for name, value in members.items()}
        else:
            changed = _light(client, dialect, members, reply)
    except (msgspec.DecodeError, RecursionError):
        return record
    return msgspec.Raw(msgspec.json.encode(changed))


def _verbose(client: ODataClient, dialect: Dialect, value: msgspec.Raw, reply: Reply) -> msgspec.Raw:
    if bytes(value)[:1] != b"{" or b'"__next"' not in bytes(value):
        return value
    inner = _object.decode(value)
    if "results" not in inner:
        return value
    link = inner.pop("__next", None)
    inner["results"] = _whole(client, dialect, inner["results"], link, reply)
    return msgspec.Raw(msgspec.json.encode(inner))


def _light(client: ODataClient, dialect: Dialect, members: Members, reply: Reply) -> Members:
    whole = dict(members)
    for name, value in members.items():
        if name.endswith(dialect.nested_link):
            link, name = value, name.removesuffix(dialect.nested_link)
            del whole[f"{name}{dialect.nested_link}"]
            whole[name] = _whole(client, dialect, members.get(name, msgspec.Raw(b"[]")), link, reply)
        elif bytes(value)[:1] == b"[" and f"{name}{dialect.nested_link}" not in members:
            whole[name] = _whole(client, dialect, value, None, reply)
    return whole


def _whole(
    client: ODataClient, dialect: Dialect, items: msgspec.Raw, link: msgspec.Raw | None, reply: Reply
) -> msgspec.Raw:
    found = _list.decode(items)
    guard = LoopGuard()
    page, following = reply, _text.decode(link) if link is not None else None
    while following:
        guard.check(following, "")
        page = client.follow(dialect, following, page)
        if not page.records:
            break
        found += page.records
        following = page.link
        if len(found) > MOST_LINES:
            raise PagingLoop(f"A list inside a record does not end; the last link to more of it is {following}.")
    return msgspec.Raw(msgspec.json.encode([completed(client, dialect, each, page) for each in found]))
