"""The query language: text to `Query`, with the vendor's refusals (facts/quickbooks.md: Query).

SELECT * | COUNT(*) FROM Entity [WHERE p op v [AND …]] [ORDERBY p [ASC|DESC]] [STARTPOSITION n] [MAXRESULTS n]
"""

import re
from dataclasses import dataclass

from sandbox import qbo_schema
from sandbox.qbo_errors import Refusal, invalid_query, parse_error

DEFAULT_ROWS, MOST_ROWS = 100, 1000

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:\\.|[^'\\])*')"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<sign><=|>=|[=<>(),*])"
    r"|(?P<other>\S))",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_OPERATORS = ("=", "<", ">", "<=", ">=")
# Words that cannot be an entity, a property or a bare value.
_RESERVED = qbo_schema.words("select from where and or not in like orderby order by asc desc null count")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison: property as the vendor spells it, operator in upper case, the values as text."""

    property: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A valid statement. ``order`` is a property and whether it descends; ``start`` counts from 1."""

    entity: str
    count: bool
    where: tuple[Condition, ...]
    order: tuple[str, bool] | None
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


def parse(statement: str) -> Query:
    """Read a statement, or raise the `Refusal` (4000, 4001) that the vendor answers."""
    return _Parser(statement).query()


def _tokens(statement: str) -> list[_Token]:
    text = statement.rstrip()
    tokens = [
        _Token(str(m.lastgroup), m[str(m.lastgroup)], m.start(str(m.lastgroup)) + 1) for m in _TOKEN.finditer(text)
    ]
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Parser:
    def __init__(self, statement: str) -> None:
        self.tokens = _tokens(statement)
        self.at = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def query(self) -> Query:
        self.expect("select")
        count = self.accept("count")
        if count:
            self.sign("(")
        self.sign("*")
        if count:
            self.sign(")")
        self.expect("from")
        name = self.identifier()
        where = self.conditions() if self.accept("where") else []
        order = self.order()
        paging = self.paging()
        if self.now.kind != "end":
            raise self.refuse("<EOF>")
        return _checked(name, count, where, order, paging)

    def conditions(self) -> list[tuple[str, str, list[str]]]:
        found = [self.condition()]
        while self.accept("and"):
            found.append(self.condition())
        return found

    def condition(self) -> tuple[str, str, list[str]]:
        name = self.identifier()
        if self.accept("in"):
            self.sign("(")
            values = [self.value()]
            while self.now.text == ",":
                self.at += 1
                values.append(self.value())
            self.sign(")")
            return name, "IN", values
        if self.accept("like"):
            return name, "LIKE", [self.value()]
        if self.now.text not in _OPERATORS:
            raise self.refuse("<OPERATOR>")
        operator = self.take().text
        return name, operator, [self.value()]

    def order(self) -> tuple[str, bool] | None:
        if self.accept("order"):
            self.expect("by")
        elif not self.accept("orderby"):
            return None
        name = self.identifier()
        if self.accept("asc"):
            return name, False
        return name, self.accept("desc")

    def paging(self) -> dict[str, int]:
        found: dict[str, int] = {}
        while self.now.word in ("startposition", "maxresults") and self.now.word not in found:
            name = self.take().word
            if self.now.kind != "number" or "." in self.now.text:
                raise self.refuse("<INTEGER>")
            found[name] = int(self.take().text)
        return found

    def identifier(self) -> str:
        if self.now.kind != "word" or self.now.word in _RESERVED:
            raise self.refuse("<IDENTIFIER>")
        return self.take().text

    def value(self) -> str:
        if self.now.kind == "string":
            return _ESCAPED.sub(r"\1", self.take().text[1:-1])
        if self.now.kind == "number" or self.now.word in ("true", "false", "current_date"):
            return self.take().text
        raise self.refuse("<LITERAL>")

    def accept(self, word: str) -> bool:
        if self.now.word != word:
            return False
        self.at += 1
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.refuse(f'"{word}"')

    def sign(self, text: str) -> None:
        if self.now.kind != "sign" or self.now.text != text:
            raise self.refuse(f'"{text}"')
        self.at += 1

    def take(self) -> _Token:
        token = self.now
        self.at += 1
        return token

    def refuse(self, expected: str) -> Refusal:
        token = self.now
        if token.kind == "end":
            return parse_error("<EOF>", "", token.column, expected)
        if token.word in _RESERVED:
            return parse_error(f'"{token.word}"', token.text, token.column, expected)
        return parse_error(f"<{token.kind.upper()}>", token.text, token.column, expected)


def _checked(
    name: str,
    count: bool,
    where: list[tuple[str, str, list[str]]],
    order: tuple[str, bool] | None,
    paging: dict[str, int],
) -> Query:
    entity = qbo_schema.ENTITIES.get(name.lower())
    if entity is None:
        raise invalid_query(f"invalid context declaration: {name}")
    known = qbo_schema.filterable(entity)

    def canonical(name: str) -> str:
        if name.lower() not in known:
            raise invalid_query(f"Property {name} not found for Entity {entity}")
        return known[name.lower()]

    conditions = tuple(Condition(canonical(p), operator, tuple(values)) for p, operator, values in where)
    for condition in conditions:
        if condition.property == "Id" and condition.operator not in ("=", "IN"):
            raise invalid_query(f"Operator {condition.operator} is not supported for property Id")
    start, rows = paging.get("startposition", 1), paging.get("maxresults", DEFAULT_ROWS)
    if min(start, rows) < 1:
        raise invalid_query(f"value {min(start, rows)} is too small. Min allowed value is 1")
    if rows > MOST_ROWS:
        raise invalid_query(f"value {rows} is too large. Max allowed value is {MOST_ROWS}")
    return Query(entity, count, conditions, (canonical(order[0]), order[1]) if order else None, start, rows)
