"""Results of reading, and the protocol by which commands and the service follow them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from orders_sync.domain.errors import OrdersSyncError
from orders_sync.domain.ledger import Claim, FailedWindow
from orders_sync.domain.records import LoadCounts


@dataclass(frozen=True, slots=True)
class WindowResult:
    """A window this process had claimed and is done with.

    `landed` is None where nothing was proven: it was split, failed, released or lost. `error` says why, and is None
    where it was split for being too large. `total` is the platform's count, None before it gave one. `why_no_proof`:
    `unconfirmed` where nothing was listed and it is read once more, `beyond` where it lies beyond the platform's reach.
    """

    claim: Claim
    calls: int
    total: int | None
    landed: LoadCounts | None
    error: OrdersSyncError | None
    seconds: float
    is_split: bool = False
    why_no_proof: str = ""


class Progress(Protocol):
    """Receives the progress of reading; every call is about one account."""

    def counted(self, account: str, records: int) -> None:
        """Add the records that the platform counts in a planned window: they are to be read."""

    def landed(self, account: str, orders: int) -> None:
        """Add orders that are in the tables now, whether that needed a write or not."""

    def show(self, account: str, text: str) -> None:
        """Show something that the person at the screen should know."""

    def closed(self, window: WindowResult) -> None:
        """Receive a window that is done with."""

    def compared(self, account: str, windows: int, of: int, calls: int, differences: int) -> None:
        """Show how far an audit is: windows compared of all (`of`), the calls they took, and ranges that differ."""


@dataclass(slots=True)
class AccountResult:
    """The result of reading one account.

    It has caught up when `errors`, `failed_windows` and `is_cut_off` (the turn ended before everything was read) are
    empty or false. `found_empty`: this pass was the first to read the whole history and find no order.
    """

    account: str
    windows: int = 0
    calls: int = 0
    rows: LoadCounts = field(default_factory=LoadCounts)
    errors: list[str] = field(default_factory=list)
    failed_windows: list[FailedWindow] = field(default_factory=list)
    is_cut_off: bool = False
    found_empty: bool = False

    def plain(self) -> dict[str, Any]:
        """Return the result for a machine. Its failed windows are `waiting` there: the names of JSON keys stay."""
        return {"waiting" if name == "failed_windows" else name: value for name, value in asdict(self).items()}
