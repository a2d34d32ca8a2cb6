"""The documented answers of both Xportcn APIs, ways to change them, and the rows they must become."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from orders_sync.domain.rows import OrderRows
from orders_sync.domain.times import platform_time
from orders_sync.platforms.testing import Asked

GOLDEN = Path(__file__).parents[1] / "platforms" / "golden"


def sample(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def asked_by_xportcn(parameters: Mapping[str, Any]) -> Asked:
    """Return the window and page that the parameters of a request ask for."""
    start, end = (platform_time(parameters[name]) for name in ("beginDateTime", "endDateTime"))
    return Asked(start, end, int(parameters["pageNum"]), int(parameters["pageSize"]))


def expected(name: str) -> OrderRows:
    """The rows as they were written down by hand; a column that is not named is None."""
    return msgspec.json.decode((GOLDEN / f"{name}.rows.json").read_bytes(), type=OrderRows)


class Story:
    """The documented order with something changed, normalized."""

    def __init__(self, name: str, normalize: Callable[[bytes], OrderRows]) -> None:
        self.name = name
        self.normalize = normalize

    def order(self, **changes: Any) -> dict[str, Any]:
        order: dict[str, Any] = json.loads(sample(self.name))["data"]["data"][0]
        return {**order, **changes}

    def line(self, **changes: Any) -> dict[str, Any]:
        line: dict[str, Any] = self.order()["subOrderVOS"][0]
        return {**line, **changes}

    def result(self, **changes: Any) -> str:
        """The first line's subOrderResult, changed, as the text it is sent as."""
        return json.dumps({**json.loads(self.line()["subOrderResult"]), **changes})

    def options(self, **changes: Any) -> dict[str, Any]:
        options: dict[str, Any] = json.loads(self.line()["subOrderResult"])["option_fields"]
        return {**options, **changes}

    def rows(self, *lines: dict[str, Any], **changes: Any) -> OrderRows:
        """Return the rows of the documented order with these lines (else its own) and these changes."""
        order = self.order(**changes)
        if lines:
            order["subOrderVOS"] = list(lines)
        return self.normalize(json.dumps(order).encode())


def yuan(text: str) -> Decimal:
    return Decimal(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
