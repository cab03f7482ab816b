r"""The baseline: `\copy` of ready CSV files into empty tables with primary keys, as near to the machine as Postgres lets.

The files hold what a load of ours has landed, so rows and columns are the same. ``bare`` leaves out the columns that
keep the books of a landing (those that begin with an underscore).
"""

# ruff: noqa: S608 -- the names come from the catalog

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from warehouse.programs import programs

SCHEMA = "quickbooks"


@dataclass(frozen=True, slots=True)
class Files:
    """CSV files and the psql script that loads them."""

    script: Path

    def command(self, url: str) -> list[str]:
        """The command to be measured."""
        return [str(programs() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(self.script), url]


def export(url: str, folder: Path, *, bare: bool = False) -> Files:
    """Write what has landed to files, and a script that makes and fills tables of the same columns and keys."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"CREATE SCHEMA {SCHEMA};"]
    with psycopg.connect(url) as session:
        for (table,) in session.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r' ORDER BY 1",
            (SCHEMA,),
        ).fetchall():
            columns = _columns(session, table, bare)
            names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns).as_string()
            key = ", ".join(f'"{name}"' for name in _key(session, table))
            file = folder / f"{table}.csv"
            with file.open("wb") as out, session.cursor() as cursor:
                query = f'COPY (SELECT {names} FROM {SCHEMA}."{table}") TO STDOUT (FORMAT csv)'
                with cursor.copy(query.encode()) as copy:
                    for block in copy:
                        out.write(block)
            made = ", ".join(f'"{name}" {kind}' for name, kind in columns)
            lines.append(f'CREATE TABLE {SCHEMA}."{table}" ({made}, PRIMARY KEY ({key}));')
            lines.append(f"\\copy {SCHEMA}.\"{table}\" FROM '{file}' (FORMAT csv)")
    script = folder / "load.sql"
    script.write_text("\n".join(lines) + "\n")
    return Files(script)


def _columns(session: "psycopg.Connection[tuple[object, ...]]", table: str, bare: bool) -> list[tuple[str, str]]:
    rows = session.execute(
        """SELECT attname::text, format_type(atttypid, atttypmod)
               || CASE WHEN attcollation = '"C"'::regcollation THEN ' COLLATE "C"' ELSE '' END
               || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (f'{SCHEMA}."{table}"',),
    ).fetchall()
    return [(str(name), str(kind)) for name, kind in rows if not (bare and str(name).startswith("_"))]


def _key(session: "psycopg.Connection[tuple[object, ...]]", table: str) -> list[str]:
    rows = session.execute(
        """SELECT a.attname::text FROM pg_index i
           CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
           WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY k.place""",
        (f'{SCHEMA}."{table}"',),
    ).fetchall()
    return [str(name) for (name,) in rows]
