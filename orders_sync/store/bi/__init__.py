"""The analysts' layer: schema `bi`, one SQL file per view or function, which is its only definition.

A file begins with comments: first what the object is, then an empty one, then each column, spaces and its text. They
become the COMMENTs in the database and docs/dictionary.md. Columns that mean the same everywhere are in `COMMON`.

`install` makes what is missing or defined otherwise. `migrate` ends with it; a changed view needs no revision of the
tables. A view that exists may only get more columns, at its end: `CREATE OR REPLACE` refuses anything else, and
analysts count on it.

Which of two versions of orders-sync is older is known by `sync.view_sets`, which keeps a fingerprint of all definitions
for every version that made them: a version whose fingerprint stands there, but not last, leaves those of a newer one.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files

from psycopg import errors, sql

from orders_sync.store.database import Session
from orders_sync.store.queries import select_dict, select_values

SCHEMA = "bi"
SCHEMA_COMMENT = "views of orders-sync for analysts; what they mean: docs/dictionary.md"
# in the order of their making: each after what it uses
NAMES = (
    "time_zone", "shop_day", "day_start", "refund_state", "is_refund",
    "calendar", "shops", "orders", "order_persons", "order_lines", "refunds", "daily_sales", "daily_calendar",
    "product_sales", "product_weeks", "products", "buyers", "order_status_periods", "order_funnel", "order_versions",
    "orders_as_of",
    "sync_freshness", "sync_health",
    "check_amounts", "check_daily_sales", "check_directions", "check_lines", "check_refunded_lines", "check_refunds",
    "check_unknown_statuses",
    "changes_since", "feed_lag",
)  # fmt: skip
COMMON = {
    "order_key": "platform:order_id; finds an order in every view. Join by platform and order_id, which is faster",
    "platform": "1688, xportcn_open, xportcn_ka or the name of an installed package",
    "account": "the shop: bi.shops.account",
    "direction": "sale: the shop sells; purchase: it buys. Never add up both. NULL: bi.check_directions",
    "currency": "ISO 4217, of the amounts in the row; XXX where the lines of an order are in several",
    "order_id": "the platform's id of the order",
    "order_no": "the number people search by; several orders of KA may share one: count orders by order_id",
    "seller_order_no": "the seller's own number: Xportcn",
    "purchase_id": "KA purchaseId",
    "outer_purchase_id": "number at the market behind the platform: KA",
    "status_group": "of the order, the same words on every platform: orders.status_group says what each means",
    "is_valid": "the order counts: orders.is_valid",
    "ordered_at": "when the order was placed",
    "ordered_day": "day of ordered_at",
    "paid_day": "day of the first payment",
    "refunded_at": "orders.refunded_at",
    "refunded_day": "day of refunded_at",
    "is_refund_day_estimated": "orders.is_refund_day_estimated",
    "refund_status": "as the platform says it; NULL where there is none",
    "after_sale_refund_status": "as the platform says it, of a refund after completion: 1688",
    "close_reason": "1688 closeReason, free text",
    "order_payable_amount": "what the whole order costs",
    "product_id": "the platform's id of the product; NULL where it does not say it",
    "sku_id": "the platform's id of the variant; NULL where the product has none",
    "cargo_no": "the seller's article number: 1688",
    "title": "name of the product at the time of the order",
    "sku_text": "attributes of the variant as text; NULL where the record has none",
    "sku_attributes": "attributes of the variant, name to value; NULL where the record has none",
    "unit": "what quantity counts, as the platform states it: 1688; NULL on Xportcn. Never add up two units",
}

_OBJECT = re.compile(r"CREATE (OR REPLACE )?(VIEW|FUNCTION) bi\.(\w+)")
_EXISTING = """
    SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('bi')
    UNION SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace('bi')
"""
_MADE = "SELECT name, definition_hash FROM sync.views"
_REMEMBER = """
    INSERT INTO sync.views (name, definition_hash) VALUES (%s, %s)
    ON CONFLICT (name) DO UPDATE SET definition_hash = excluded.definition_hash, made_at = now()
"""
_IS_NEWER = """
    SELECT count(*) > 0 FROM sync.view_sets
    WHERE fingerprint = %s AND number < (SELECT max(number) FROM sync.view_sets)
"""
_REMEMBER_SET = "INSERT INTO sync.view_sets (fingerprint) VALUES (%s) ON CONFLICT DO NOTHING"
# views that `sync.product_figures` are computed by: where one changes, all figures are made anew
_DEFINE_PRODUCT_FIGURES = {"orders", "order_lines", "product_weeks"}
_OUTDATE_PRODUCT_FIGURES = "SELECT sync.outdate_product_figures()"
_MAY_CREATE = "SELECT coalesce(has_schema_privilege(to_regnamespace('bi'), 'CREATE'), true)"


@dataclass(frozen=True, slots=True)
class Definition:
    """A view or function of schema `bi`. `columns`: the descriptions that its file gives, by column."""

    name: str
    kind: str  # VIEW or FUNCTION
    statement: str
    comment: str
    columns: dict[str, str]
    is_replaced: bool  # False: made once, and then the user's

    @property
    def fingerprint(self) -> bytes:
        """16 bytes that change with the statement or a comment."""
        return blake2b(repr((self.statement, self.comment, self.columns)).encode(), digest_size=16).digest()

    def describe(self, column: str) -> str | None:
        """Return the description of a column; None where nobody gave one."""
        return self.columns.get(column) or COMMON.get(column)


@cache
def definitions() -> tuple[Definition, ...]:
    """Return every definition, each after what it uses."""
    folder = files(__name__)
    return tuple(_parsed(folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")) for name in NAMES)


def set_fingerprint() -> bytes:
    """Return 16 bytes that change with any definition."""
    return blake2b(b"".join(each.fingerprint for each in definitions()), digest_size=16).digest()


def _parsed(text: str) -> Definition:
    head, _, _ = text.partition("CREATE ")
    about, _, rest = head.partition("\n--\n")
    columns: dict[str, str] = {}
    for line in rest.splitlines():
        name, _, description = line.removeprefix("-- ").partition(" ")
        columns[name] = description.strip()
    found = _OBJECT.search(text)
    assert found, text
    return Definition(
        found[3],
        found[2],
        text.removeprefix(head),
        " ".join(line.removeprefix("-- ") for line in about.splitlines()),
        columns,
        found[1] is not None,
    )


def install(session: Session) -> None:
    """Make what is missing or defined otherwise, in the transaction of `session`.

    Nothing is made, and nothing raised, where `obstacle` says why not.
    """
    if obstacle(session):
        return
    if not _exists(session):
        session.execute("CREATE SCHEMA bi")
        session.execute(sql.SQL("COMMENT ON SCHEMA bi IS {}").format(sql.Literal(SCHEMA_COMMENT)))
    is_older = _is_older(session)
    try:
        with session.transaction():
            _make(session)
    except errors.InvalidTableDefinition:
        # other columns than before, which only an unreleased version had: views of others on top of ours keep them
        with suppress(errors.DependentObjectsStillExist), session.transaction():
            drop(session)
            _make(session)
    if not is_older:
        session.execute(_REMEMBER_SET, [set_fingerprint()])


def _make(session: Session) -> None:
    made = set()
    for each in _missing(session):
        if _replace(session, each):
            _comment(session, each)
            session.execute(_REMEMBER, [each.name, each.fingerprint])
            made.add(each.name)
    if made & _DEFINE_PRODUCT_FIGURES:
        session.execute(_OUTDATE_PRODUCT_FIGURES)


def _replace(session: Session, each: Definition) -> bool:
    """Make a view or function; return False for a function with other columns that somebody else's view uses."""
    try:
        with session.transaction():
            session.execute(each.statement.encode())
    except errors.InvalidFunctionDefinition:  # other columns: CREATE OR REPLACE adds none to a function
        try:
            with session.transaction():
                session.execute(sql.SQL("DROP FUNCTION {}").format(sql.Identifier(SCHEMA, each.name)))
                session.execute(each.statement.encode())
        except errors.DependentObjectsStillExist:
            return False
    return True


def obstacle(session: Session) -> str | None:
    """Return why the views cannot be made and what to do; None where nothing is in the way."""
    made = select_dict(session, _MADE, None, dict[str, bytes])
    names_of_ours = {each.name for each in definitions() if each.is_replaced}
    strangers = sorted(set(select_values(session, _EXISTING, None, str)).intersection(names_of_ours).difference(made))
    if strangers:
        names = ", ".join(f"bi.{name}" for name in strangers)
        return f"{names}: not ours, though the name is, so no view of schema bi was made. Rename it, then migrate again"
    if session.execute(_MAY_CREATE).fetchone() != (True,):
        return "the role may not create views in schema bi: as its owner GRANT CREATE, USAGE ON SCHEMA bi, then migrate"
    return None


def difference(session: Session) -> str | None:
    """Return which views and functions are not as this version defines them, and what to do.

    None where all are, and where those that are there were made by a newer version.
    """
    names = [f"bi.{each.name}" for each in _missing(session)]
    if not names:
        return None
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (
        f"{', '.join(names[:3])}{more}: not as in this version. Run `orders-sync migrate`; "
        "if they stay, drop views of your own that use them first"
    )


def is_current(session: Session) -> bool:
    """Return whether nothing is to be made: every view and function is as this version or a newer one defines it."""
    return not _missing(session)


def drop(session: Session) -> None:
    """Drop every view and function of ours but those that are the user's once they are made: they use no other."""
    made = select_dict(session, _MADE, None, dict[str, bytes])
    for each in reversed(definitions()):
        if each.name in made and each.is_replaced:
            statement = sql.SQL("DROP {} IF EXISTS bi.{}")
            session.execute(statement.format(sql.SQL(each.kind), sql.Identifier(each.name)))


def _missing(session: Session) -> list[Definition]:
    """Return what is not there, or is of an older version."""
    existing = set(select_values(session, _EXISTING, None, str))
    made = select_dict(session, _MADE, None, dict[str, bytes])
    found = [
        each
        for each in definitions()
        if each.name not in existing or (each.is_replaced and made.get(each.name) != each.fingerprint)
    ]
    if found and _is_older(session):
        return [each for each in found if each.name not in existing]
    return found


def _is_older(session: Session) -> bool:
    """Return whether a newer version made the views after this one did."""
    return session.execute(_IS_NEWER, [set_fingerprint()]).fetchone() == (True,)


def _exists(session: Session) -> bool:
    return session.execute("SELECT to_regnamespace('bi')").fetchone() != (None,)


def _comment(session: Session, each: Definition) -> None:
    name = sql.Identifier(SCHEMA, each.name)
    comments = [sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(each.kind), name, sql.Literal(each.comment))]
    if each.kind != "FUNCTION":
        query = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY attnum"
        comments += [
            sql.SQL("COMMENT ON COLUMN {} IS {}").format(
                sql.Identifier(SCHEMA, each.name, column), sql.Literal(each.describe(column))
            )
            for column in select_values(session, query, [f"bi.{each.name}"], str)
        ]
    session.execute(sql.SQL("; ").join(comments))
