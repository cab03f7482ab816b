"""QuickBooks for dbt: a schema of views for each connection, under the names that the package dbt_quickbooks reads.

The tables have those names and columns already, so a view is its table with three things more: only the rows of one
connection (two companies in one view would repeat ids), the package's own marks (`_fivetran_synced`,
`_fivetran_deleted`), and what Landfall keeps in another form: typed ids of linked transactions, and of people.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from warehouse.connect import translated
from warehouse.ddl import ensure_tables
from warehouse.errors import TargetSchemaChanged
from warehouse.table import StreamLike, Table, tables_of

Connection = psycopg.Connection[Any]

# For each table the columns that hold the id of a linked transaction, by its type.
LINKED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "invoice_linked_txn": {
        "estimate_id": ("Estimate",), "payment_id": ("Payment",), "charge_credit_id": ("ChargeCredit",),
        "reimburse_charge_id": ("ReimburseCharge",), "statement_charge_id": ("StatementCharge",),
        "time_activity_id": ("TimeActivity",),
    },
    "bill_linked_txn": {"bill_payment_id": ("BillPaymentCheck", "BillPaymentCreditCard", "BillPayment")},
    "purchase_order_linked_txn": {
        "bill_id": ("Bill",), "purchase_id": ("Purchase", "Expense", "Check"), "vendor_credit_id": ("VendorCredit",),
    },
    "payment_line": {
        "invoice_id": ("Invoice",), "credit_memo_id": ("CreditMemo",), "deposit_id": ("Deposit",),
        "journal_entry_id": ("JournalEntry",), "check_id": ("Check",), "expense_id": ("Expense",),
        "credit_card_charge_id": ("CreditCardCharge",), "credit_card_credit_id": ("CreditCardCredit",),
    },
    "bill_payment_line": {
        "bill_id": ("Bill",), "vendor_credit_id": ("VendorCredit",), "deposit_id": ("Deposit",),
        "journal_entry_id": ("JournalEntry",), "check_id": ("Check",), "expense_id": ("Expense",),
        "credit_card_charge_id": ("CreditCardCharge",), "credit_card_credit_id": ("CreditCardCredit",),
        "bill_payment_credit_card_id": ("BillPaymentCreditCard",),
        "linked_bill_payment_id": ("BillPaymentCheck", "BillPayment"),
    },
    "deposit_line": {
        "payment_id": ("Payment",), "sales_receipt_id": ("SalesReceipt",), "refund_receipt_id": ("RefundReceipt",),
        "invoice_id": ("Invoice",), "bill_id": ("Bill",), "expense_id": ("Expense",), "purchase_id": ("Purchase",),
        "journal_entry_id": ("JournalEntry",), "transfer_id": ("Transfer",), "vendor_credit_id": ("VendorCredit",),
    },
}  # fmt: skip
# Whose id the column of a person holds, by the column that says what it is.
PEOPLE: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "purchase": (
        "entity_id", "entity_type",
        {"customer_id": "customer", "vendor_id": "vendor", "employee_id": "employee"},
    ),
    "journal_entry_line": (
        "entity_id", "entity_type",
        {"customer_id": "customer", "vendor_id": "vendor", "employee_id": "employee"},
    ),
    "deposit_line": ("deposit_entity_id", "deposit_entity_type", {"deposit_customer_id": "customer"}),
}  # fmt: skip
# The package's examples of a column for each of the company's own fields.
CUSTOM: Mapping[str, tuple[str, ...]] = {
    "invoice": ("p_o_number", "sales_rep"),
    "credit_memo": ("p_o_number",),
    "purchase_order": ("customer_type", "po_number"),
}
# What the package looks for and QuickBooks does not have.
NOWHERE: Mapping[str, tuple[str, ...]] = {"vendor_credit_line": ("private_note",)}
AS_TEXT = ("level", "credit_card_cc_expiry_month", "credit_card_cc_expiry_year")
BUNDLE = sql.SQL("SELECT * FROM {} WHERE type = 'Group' AND _deleted_at IS NULL")
# Members of a bundle come after all lines (and the tax lines, which the package counts from 10,000).
FIRST_MEMBER = 1_000_000


def schema_of(connection_name: str) -> str:
    """The schema that dbt reads a connection from; `quickbooks_schema` is the package's variable for it."""
    return f"quickbooks_{connection_name.replace('-', '_')}"


def show_to_dbt(connection: Connection, connection_name: str, streams: Sequence[StreamLike]) -> bool:
    """Make or renew the views of a connection, and whatever tables they lack; False where all is as it should be.

    ``streams`` are all that the package may look for, also those that this connection does not read: their views are
    empty. TargetSchemaChanged where Postgres refuses, as when views of an earlier version cannot be changed.
    """
    try:
        with translated("making the views for dbt"):
            tables = _tables(streams)
            ensure_tables(connection, tuple(tables.values()))
            _show_bundles(connection, tables["item"])
            return _show(connection, connection_name, streams)
    except (psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        raise TargetSchemaChanged(f"Postgres refuses the views for dbt: {str(error).splitlines()[0]}") from error


def _show_bundles(connection: Connection, item: Table) -> None:
    if connection.execute("SELECT to_regclass('quickbooks.bundle')").fetchone() != (None,):
        return
    name = sql.Identifier("quickbooks", "bundle")
    comment = "Bundles: the items of type Group. What is in one is in bundle_item."
    with connection.transaction():
        connection.execute(sql.SQL("CREATE OR REPLACE VIEW {} AS ").format(name) + BUNDLE.format(item.identifier))
        connection.execute(sql.SQL("GRANT SELECT ON {} TO landfall_analyst").format(name))
        connection.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(name, sql.Literal(comment)))


def _show(connection: Connection, connection_name: str, streams: Sequence[StreamLike]) -> bool:
    schema = sql.Identifier(schema_of(connection_name))
    views = _views(connection_name, streams)
    comment = f"QuickBooks connection {connection_name} for the package dbt_quickbooks; views {_fingerprint(views)}"
    found = connection.execute(
        "SELECT obj_description(n.oid, 'pg_namespace'), (SELECT count(*) FROM pg_views WHERE schemaname = nspname)"
        " FROM pg_namespace n WHERE nspname = %s",
        (schema_of(connection_name),),
    ).fetchone()
    if found == (comment, len(views)):
        return False
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('landfall:ddl', 0))")
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
        for name, query in views.items():
            view = sql.Identifier(schema_of(connection_name), name)
            connection.execute(sql.SQL("CREATE OR REPLACE VIEW {} AS {}").format(view, query))
        for grant in ("GRANT USAGE ON SCHEMA {}", "GRANT SELECT ON ALL TABLES IN SCHEMA {}"):
            connection.execute(sql.SQL(grant + " TO landfall_analyst").format(schema))
        connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(comment)))
    return True


def _fingerprint(views: Mapping[str, sql.Composable]) -> str:
    text = "\n".join(f"{name}: {query.as_string(None)}" for name, query in views.items())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tables(streams: Iterable[StreamLike]) -> dict[str, Table]:
    return {table.name: table for stream in streams for table in tables_of(stream)}


def _views(connection_name: str, streams: Sequence[StreamLike]) -> dict[str, sql.Composable]:
    """The query of each view."""
    tables = _tables(streams)
    mine = sql.SQL("t.connection = {}").format(sql.Literal(connection_name))
    parents = {stream.name for stream in streams}
    views: dict[str, sql.Composable] = {}
    for name, table in tables.items():
        if name == "address":
            views[name] = _addresses(table, mine)
        elif f"{name}_bundle" in tables:
            views[name] = _flat_lines(table, tables[f"{name}_bundle"], mine)
        else:
            views[name] = _plain(table, mine, tables, parent=name in parents)
    bundle = _plain(tables["item"], mine, tables, parent=True)
    views["bundle"] = sql.SQL("{} AND t.type = 'Group'").format(bundle)
    return views


def _plain(table: Table, mine: sql.Composable, tables: Mapping[str, Table], *, parent: bool) -> sql.Composable:
    """A table as it is, with typed ids. Rows that are deleted stay, marked, where the package looks for the mark."""
    columns = [_column(table, column.name) for column in table.columns]
    source: sql.Composable = sql.SQL("{} t").format(table.identifier)
    links = LINKED.get(table.name, {})
    if f"{table.name}_linked_txn" in tables and links:
        source = sql.SQL("{} LEFT JOIN LATERAL ({}) l ON true").format(
            source, _linked(table, tables[f"{table.name}_linked_txn"], links)
        )
        columns += [sql.SQL("l.{}").format(sql.Identifier(name)) for name in links]
    else:
        columns += [
            sql.SQL("CASE WHEN {} THEN t.linked_txn_id END AS {}").format(_is_of("t", types), sql.Identifier(name))
            for name, types in links.items()
        ]
    columns += _people(table.name)
    columns += [_custom(name) for name in CUSTOM.get(table.name, ())]
    columns += [sql.SQL("NULL::text AS {}").format(sql.Identifier(each)) for each in NOWHERE.get(table.name, ())]
    columns += _marks(parent=parent)
    where: sql.Composable = mine if parent else sql.SQL("{} AND t._deleted_at IS NULL").format(mine)
    if table.name.endswith("_line_bundle"):
        where = sql.SQL("false")  # see _flat_lines
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.SQL(", ").join(columns), source, where)


def _flat_lines(lines: Table, members: Table, mine: sql.Composable) -> sql.Composable:
    """Lines of a document, the members of a bundle in place of the line that sells it.

    The package joins the members of bundles to every line of their document, which counts documents with other lines
    several times over. As lines of their own they are counted once, and its table of members is left empty.
    """
    parent, _, place = members.key[0], members.key[1], members.key[2]
    within = members.key[1]
    names = [column.name for column in lines.columns]
    of_line = [_column(lines, name) for name in names]
    there = {column.name for column in members.columns}
    of_member: list[sql.Composable] = []
    for column in lines.columns:
        own = column.name.removeprefix("sales_item_")
        if column.name == "index":
            number = sql.SQL("{} + 1000 * t.{} + t.{} AS index").format(
                sql.Literal(FIRST_MEMBER), sql.Identifier(within), sql.Identifier(place)
            )
            of_member.append(number)
        elif column.name in (parent, "line_id", "line_num", "detail_type", "amount", "description"):
            of_member.append(_column(members, column.name))
        elif own != column.name and own in there:
            of_member.append(sql.SQL("t.{} AS {}").format(sql.Identifier(own), sql.Identifier(column.name)))
        else:
            of_member.append(sql.SQL("NULL::{} AS {}").format(sql.SQL(column.pg_type), sql.Identifier(column.name)))
    return sql.SQL(
        "SELECT {} FROM {} t WHERE {mine} AND t._deleted_at IS NULL AND NOT (t.bundle_id IS NOT NULL AND EXISTS"
        " (SELECT FROM {members} m WHERE m.connection = t.connection AND m.{parent} = t.{parent}"
        " AND m.{within} = t.index AND m._deleted_at IS NULL))"
        " UNION ALL SELECT {} FROM {members} t WHERE {mine} AND t._deleted_at IS NULL"
    ).format(
        sql.SQL(", ").join([*of_line, *_marks(parent=False)]), lines.identifier,
        sql.SQL(", ").join([*of_member, *_marks(parent=False)]),
        mine=mine, members=members.identifier, parent=sql.Identifier(parent), within=sql.Identifier(within),
    )  # fmt: skip


def _addresses(table: Table, mine: sql.Composable) -> sql.Composable:
    """Each address once, as it was last told: one id stands on a customer and on all their invoices."""
    own = [column.name for column in table.columns if column.name not in table.key]
    columns = [*(_column(table, name) for name in own), *_marks(parent=False)]
    return sql.SQL(
        "SELECT DISTINCT ON (t.id) {} FROM {} t WHERE {} AND t._deleted_at IS NULL AND t.id IS NOT NULL"
        " ORDER BY t.id, t._changed_at DESC, t.owner_type, t.owner_id, t.role"
    ).format(sql.SQL(", ").join(columns), table.identifier, mine)


def _linked(table: Table, links: Table, types: Mapping[str, tuple[str, ...]]) -> sql.Composable:
    """The linked transactions of a line, one for each type: of several the one with the last id."""
    parent, within = (sql.Identifier(name) for name in links.key[:2])
    columns = [
        sql.SQL("max(k.linked_txn_id) FILTER (WHERE {}) AS {}").format(_is_of("k", of), sql.Identifier(name))
        for name, of in types.items()
    ]
    return sql.SQL(
        "SELECT {} FROM {} k WHERE k.connection = t.connection AND k.{parent} = t.{parent} AND k.{within} = t.index"
        " AND k._deleted_at IS NULL"
    ).format(sql.SQL(", ").join(columns), links.identifier, parent=parent, within=within)


def _is_of(alias: str, types: tuple[str, ...]) -> sql.Composable:
    kinds = sql.SQL(", ").join(map(sql.Literal, types))
    return sql.SQL("{}.linked_txn_type IN ({})").format(sql.Identifier(alias), kinds)


def _people(table: str) -> list[sql.Composable]:
    id_column, type_column, columns = PEOPLE.get(table, ("", "", {}))
    return [
        sql.SQL("CASE WHEN lower(t.{}) = {} THEN t.{} END AS {}").format(
            sql.Identifier(type_column), sql.Literal(kind), sql.Identifier(id_column), sql.Identifier(name)
        )
        for name, kind in columns.items()
    ]


def _custom(name: str) -> sql.Composable:
    """The company's own field whose name comes to this one, as Fivetran names it: P.O. Number to p_o_number."""
    return sql.SQL(
        "(SELECT f ->> 'StringValue' FROM jsonb_path_query(t.custom_fields, '$[*]') f"
        " WHERE btrim(lower(regexp_replace(f ->> 'Name', '[^A-Za-z0-9]+', '_', 'g')), '_') = {} LIMIT 1) AS {}"
    ).format(sql.Literal(name), sql.Identifier(f"custom_{name}"))


def _column(table: Table, name: str) -> sql.Composable:
    column = sql.Identifier(name)
    if name in AS_TEXT or table.column(name).pg_type == "jsonb":
        return sql.SQL("t.{}::text AS {}").format(column, column)
    return sql.SQL("t.{}").format(column)


def _marks(*, parent: bool) -> list[sql.Composable]:
    deleted = sql.SQL("t._deleted_at IS NOT NULL" if parent else "false")
    return [sql.SQL("t._changed_at AS _fivetran_synced"), sql.SQL("{} AS _fivetran_deleted").format(deleted)]
