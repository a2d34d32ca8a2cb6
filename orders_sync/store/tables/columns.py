"""What every table is made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, MetaData
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s",
    }
)
TIME = DateTime(timezone=True)
PLATFORM = "the platform, by its name in the settings: 1688, xportcn_open, xportcn_ka or that of an installed package"


def column(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], comment: str, **options: Any) -> Column[Any]:
    """Return a column with its comment."""
    return Column(name, type_, comment=comment, **options)


def key(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    """Return a column that is not null."""
    return column(name, type_, comment, nullable=False)
