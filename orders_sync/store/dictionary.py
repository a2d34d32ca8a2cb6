"""The data dictionary, from the comments in a database: docs/dictionary.md, and whoever else shows it.

`python -m tests.support.dictionary` writes the file; a test fails where it is not what the database says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from psycopg import sql

from orders_sync.store import bi
from orders_sync.store.database import Session
from orders_sync.store.queries import select_dict, select_rows, select_values

SCHEMAS = ("bi", "public", "sync")
EXAMPLE_LENGTH = 40

_SMALLEST = 'min({} COLLATE "C")'
_COLUMNS = """
    SELECT n.nspname::text AS schema, c.relname::text AS relation, obj_description(c.oid, 'pg_class') AS about,
        a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS is_required,
        coalesce(col_description(c.oid, a.attnum), '') AS meaning,
        coalesce(a.attnum = ANY (i.indkey), false) AS is_key
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
    WHERE n.nspname = ANY (%s) AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'alembic_version'
    ORDER BY array_position(%s::text[], n.nspname::text), a.attnum
"""
_SIGNATURES = """
    SELECT proname::text, concat('(', pg_get_function_arguments(oid), ') → ', pg_get_function_result(oid))
    FROM pg_proc WHERE pronamespace = to_regnamespace('bi')
"""
# what differs from one day to the next, so that no example of it can be written down
_NO_EXAMPLES = {"synced_at", "removed_at", "lag", "time_in_status", "made_at", "payload", "payload_hash", "rows_hash"}


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """A column as the database describes it. `type` is PostgreSQL's; `about` is the description of its relation."""

    schema: str
    relation: str
    about: str
    name: str
    type: str
    is_required: bool
    meaning: str
    is_key: bool

    @property
    def unit(self) -> str:
        """The unit that a value counts; empty where it counts nothing."""
        if re.search(r"(^|_)(amount|price|payable|refund_of|refund_by)", self.name) and self.type.startswith("numeric"):
            return "yuan, or `currency`"
        if self.name == "quantity":
            return "`unit`"
        return {
            "timestamp with time zone": "a moment",
            "date": "a day of the shop" if self.schema == "bi" else "a day",
            "interval": "a length of time",
        }.get(self.type, "")


def columns(session: Session) -> list[ColumnEntry]:
    """Return every column of our schemas: views in the order of their making, tables by name."""
    found = select_rows(session, _COLUMNS, [list(SCHEMAS), list(SCHEMAS)], ColumnEntry)
    order = {name: place for place, name in enumerate(bi.NAMES)}
    found = [each for each in found if each.schema != "bi" or each.relation in order]
    return sorted(found, key=lambda each: (SCHEMAS.index(each.schema), order.get(each.relation, 0), each.relation))


def render(session: Session, questions: Iterable[tuple[str, str]] = ()) -> str:
    """Return the dictionary as Markdown. `questions`: titles, with the SQL that answers them."""
    entries = columns(session)
    asked = list(questions)
    parts = [_HEAD, _diagram(entries)]
    for schema, title in zip(SCHEMAS, _TITLES, strict=True):
        parts.append(f"## {title}")
        if schema == "bi":
            parts.append(_functions(session))
        for relation in dict.fromkeys(each.relation for each in entries if each.schema == schema):
            of_it = [each for each in entries if (each.schema, each.relation) == (schema, relation)]
            name = relation if schema == "public" else f"{schema}.{relation}"
            uses = [title for title, query in asked if re.search(rf"\b{re.escape(name)}\b", query)]
            parts.append(_table(session, name, of_it, uses))
    return "\n\n".join(parts) + "\n"


_HEAD = """# Data dictionary

Made from the comments in the database by `python -m tests.support.dictionary`; do not edit. How to use the
views: [bi.md](bi.md). Examples are from invented orders."""
_TITLES = ("Views for analysts: schema `bi`", "Tables of orders: schema `public`", "The ledger: schema `sync`")


def _functions(session: Session) -> str:
    signatures = select_dict(session, _SIGNATURES, None, dict[str, str])
    rows = [
        f"| `bi.{each.name}` | {_cell(each.comment)} | {_cell(_short(signatures.get(each.name, '')))} |"
        for each in bi.definitions()
        if each.kind == "FUNCTION"
    ]
    return "\n".join(["| function | meaning | arguments → result |", "|---|---|---|", *rows])


def _short(types: str) -> str:
    return types.replace("timestamp with time zone", "timestamptz")


def _table(session: Session, name: str, entries: Sequence[ColumnEntry], questions: Sequence[str]) -> str:
    lines = [f"### {name}", "", entries[0].about[:1].upper() + entries[0].about[1:].rstrip(".") + ".", ""]
    if questions:
        lines += ["Answers: " + "; ".join(questions) + ".", ""]
    lines += ["| column | type | unit | meaning, source | example |", "|---|---|---|---|---|"]
    examples = _examples(session, entries)
    for each in entries:
        mark = " (key)" if each.is_key else ""
        kind = _short(each.type)
        example = _shown(examples.get(each.name))
        lines.append(f"| `{each.name}`{mark} | {kind} | {each.unit} | {_cell(each.meaning)} | {example} |")
    return "\n".join(lines)


def _examples(session: Session, entries: Sequence[ColumnEntry]) -> dict[str, str | None]:
    """Return the value of each column that sorts first, as text; none of a column where it may be another tomorrow."""
    columns = [each for each in entries if _has_example(each)]
    if not columns:
        return {}
    values = sql.SQL(", ").join(sql.SQL(_SMALLEST).format(_text(each)) for each in columns)
    relation = sql.Identifier(columns[0].schema, columns[0].relation)
    [found] = select_values(
        session, sql.SQL("SELECT ARRAY[{}] FROM {}").format(values, relation).as_string(session), None, list[str | None]
    )
    return dict(zip((each.name for each in columns), found, strict=True))


def _has_example(column: ColumnEntry) -> bool:
    return not (
        column.schema == "sync"
        or column.relation.startswith("sync_")
        or column.type == "xid8"
        or column.name in _NO_EXAMPLES
    )


def _text(column: ColumnEntry) -> sql.Composed:
    text = "{}::text"
    if column.type == "timestamp with time zone":
        text = "to_char({} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI:SS') || '+08'"
    return sql.SQL(text).format(sql.Identifier(column.name))


def _shown(example: str | None) -> str:
    if not example:
        return ""
    value = example if len(example) <= EXAMPLE_LENGTH else example[: EXAMPLE_LENGTH - 1] + "…"
    return f"`{_cell(value)}`" if value.strip() and "`" not in value else ""


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _diagram(entries: Sequence[ColumnEntry]) -> str:
    """Return how tables hang together as a Mermaid diagram: by the key of orders, and by the account."""
    tables = [each for each in entries if each.schema != "bi"]
    keys: dict[str, list[ColumnEntry]] = {}
    for each in tables:
        if each.is_key:
            keys.setdefault(_node(each), []).append(each)
    lines = ["```mermaid", "erDiagram"]
    for name, key in keys.items():
        names = [each.name for each in key]
        if name != "orders" and names[:2] == ["platform", "order_id"]:
            parent = "sub_orders" if "item_no" in names else "orders"
            lines.append(f"    {parent} ||--{'o|' if len(names) == 2 else 'o{'} {name} : has")
    lines += ["    order_statuses |o--o{ orders : status", "    sync_audits ||--o{ sync_audit_differences : finds"]
    lines += [f"    sync_accounts ||--o{{ {_node(each)} : account" for each in tables if each.name == "account"]
    for name, key in keys.items():
        lines += [f"    {name} {{", *(f"        {each.type.split()[0]} {each.name} PK" for each in key), "    }"]
    return "\n".join(["## How tables hang together", "", *lines, "```"])


def _node(column: ColumnEntry) -> str:
    return column.relation if column.schema == "public" else f"{column.schema}_{column.relation}"
