"""Sentences on the histories of accounts: which are not read or not proven in full, and why."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.store.progress import AccountProgress, remarks

MOST = 3  # accounts whose histories are explained one by one


def explained(found: Sequence[AccountProgress], *, in_full: bool = False) -> list[str]:
    """Return sentences on histories with gaps: of more than `MOST` accounts one sentence, unless `in_full`."""
    of_accounts = [(each.name, remarks(each)) for each in found]
    by_account = [[f"{name}: {said}" for said in those] for name, those in of_accounts if those]
    if len(by_account) > MOST and not in_full:
        return [
            f"{len(by_account):,} accounts have a history that is not read or not proven in full: "
            "`orders-sync status --account NAME` says why"
        ]
    return [sentence for sentences in by_account for sentence in sentences]
