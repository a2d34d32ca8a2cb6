"""The metadata of all tables, and the columns and types that several of them share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, Index, MetaData, Numeric, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import TypeEngine, UserDefinedType

SYNC_SCHEMA = "sync"
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
    }
)
TIME = DateTime(timezone=True)
TEXTS = ARRAY(Text)
MONEY = Numeric(18, 2)
PLATFORM = "the platform, by its name in the settings: 1688, xportcn_open, xportcn_ka or that of an installed package"
INFERRED = "fen, inferred from samples; yuan, with a note, where only that adds up"


class Xid8(UserDefinedType[str]):
    """Number of a transaction, which SQLAlchemy does not know: 64 bits, never given twice in a cluster."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the type as SQL spells it."""
        return "xid8"


ischema_names.setdefault("xid8", Xid8)


def column(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], comment: str, **options: Any) -> Column[Any]:
    """Return a column with its comment."""
    return Column(name, type_, comment=comment, **options)


def key(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    """Return a column that is not null."""
    return column(name, type_, comment, nullable=False)


def platform() -> Column[Any]:
    """Return the first part of the key of every table of orders."""
    return key("platform", Text, PLATFORM)


def order_id() -> Column[Any]:
    """Return the second part of the key of every table of orders."""
    return key(
        "order_id", Text, "platform order id: 1688 baseInfo.idOfStr, Xportcn row id; text, never a damaged number"
    )


def synced_at() -> Column[Any]:
    """Return the column that says when a row landed."""
    return column(
        "synced_at",
        TIME,
        "when this version landed (start of its transaction)",
        nullable=False,
        server_default=func.now(),
    )


def changed_xid(comment: str) -> Column[Any]:
    """Return the column that holds the transaction which wrote a row."""
    return column("changed_xid", Xid8(), comment, nullable=False, server_default=text("pg_current_xact_id()"))


def direction() -> Column[Any]:
    """Return the column that tells sales and purchases apart, in every table of orders."""
    return column(
        "direction",
        Text,
        "sale: the account sells; purchase: it buys. By the platform; never add up amounts of both. NULL while the "
        "platform's package is not installed",
    )


def removed_at() -> Column[Any]:
    """Return the column that marks a part of an order as no longer listed."""
    return column("removed_at", TIME, "when the platform stopped listing it on its order; NULL while it is listed")


def index(*columns: str, needed_by: str, only_set: bool = False) -> Index:
    """Return an index of a table of orders.

    `needed_by`: the file with the query that needs it, below orders_sync/ or docs/, and which query that is where the
    file has several. Every index is paid for when orders land (docs/benchmarks.md): one that no query needs goes.
    `only_set`: without the rows whose first column is NULL.
    """
    where = text(f"{columns[0]} IS NOT NULL") if only_set else None
    return Index(None, *columns, postgresql_where=where, info={"needed_by": needed_by})


def destination(whose: str) -> list[Column[Any]]:
    """Return the columns of a destination down to the city; `whose` begins their comments."""
    return [
        column("country", Text, f"{whose}: country; NULL where the platform gives none"),
        column("province", Text, f"{whose}: 1688 province, KA state"),
        column("city", Text, f"{whose}: city"),
    ]
