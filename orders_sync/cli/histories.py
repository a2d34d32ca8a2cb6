"""What to know of the histories of accounts: which are not read or not proven in full, and why."""

from __future__ import annotations

from collections.abc import Sequence

from orders_sync.store.progress import Progress, remarks

MOST = 3  # accounts whose histories are explained one by one


def explained(found: Sequence[Progress], *, in_full: bool = False) -> list[str]:
    """Return sentences on histories with gaps; of many accounts one with their number, unless `in_full`."""
    said = [sentences for each in found if (sentences := remarks(each))]
    if len(said) > MOST and not in_full:
        return [
            f"{len(said):,} accounts have a history that is not read or not proven in full: "
            "`orders-sync status --account NAME` says why"
        ]
    return [sentence for sentences in said for sentence in sentences]
