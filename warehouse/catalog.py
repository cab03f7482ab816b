"""docs/tables.md: every landed table and column, from the record types."""

from collections.abc import Iterable

from warehouse.table import TAIL, Column, StreamLike, Table, tables_of

_HEAD = """# Tables

Made from the record types by `landfall docs`; `./run check` fails when this page is not current. The same texts are
the comments in the database. Every table also has a view `<table>_current` without the rows that are deleted at the
source. The key of every table begins with `connection`.

Every table begins with `connection` (text, the connection that the row came through) and ends with:

| column | type | |
|---|---|---|
"""


def render_tables(streams: Iterable[StreamLike]) -> str:
    """The page, in Markdown, for the tables of these streams."""
    tables: dict[tuple[str, str], Table] = {}
    for stream in streams:
        for table in tables_of(stream):
            tables.setdefault((table.schema, table.name), table)
    tail = "".join(f"| `{name}` | {kind.lower()} | {doc} |\n" for name, kind, doc in TAIL)
    return _HEAD + tail + "".join(_section(table) for _, table in sorted(tables.items()))


def _section(table: Table) -> str:
    rows = "".join(
        f"| `{column.name}` | {_type(column.definition)} | {column.unit or ''} | {_source(column)} | {column.doc} |\n"
        for column in table.columns
    )
    key = ", ".join(f"`{name}`" for name in ("connection", *table.key))
    head = "| column | type | unit | source | |\n|---|---|---|---|---|\n"
    return f"\n## {table.schema}.{table.name}\n\n{table.doc}\n\nKey: {key}.\n\n{head}{rows}"


def _type(definition: str) -> str:
    return definition.split(" GENERATED ")[0].replace(' COLLATE "C"', "").lower()


def _source(column: Column) -> str:
    words = {
        "#": "its position", "#^": "the line's position", "$owner": "the owner's table", "$role": "its role",
        "$identity": "the connection", "$derived": ", ".join(f"`{name}`" for name, _ in column.holds),
    }  # fmt: skip
    source = column.source
    if source in words:
        return words[source]
    return f"the parent's `{source[1:]}`" if source.startswith("^") else f"`{source}`"
