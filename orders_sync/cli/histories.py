"""Sentences on the histories of accounts: which are not read or not proven in full, and why."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.store.progress import AccountProgress, remarks

MOST = 3  # accounts whose histories are explained one by one


def explained(found: Sequence[AccountProgress], *, in_full: bool = False) -> list[str]:
    """Return sentences on histories with gaps: of more than `MOST` accounts one sentence, unless `in_full`."""
    by_account = [[f"{each.name}: {said}" for said in found_of] for each in found if (found_of := remarks(each))]
    if len(by_account) > MOST and not in_full:
        return [
            f"{len(by_account):,} accounts have a history that is not read or not proven in full: "
            "`orders-sync status --account NAME` says why"
        ]
    return [sentence for sentences in by_account for sentence in sentences]
