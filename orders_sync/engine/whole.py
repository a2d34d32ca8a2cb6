"""A window whose parts brought fewer rows than it counted: counted once more, and held against them.

    count <= rows of the parts    closed as split, with proof: rows had left it, or the count was wrong for a moment
    count > rows of the parts     the parts are read once more, and it is counted again
    still more                    failed, with the figures: nothing of it is proven, what was read has landed

Each count is one call. A window that failed is counted again after a pause like any other, so it holds up no newer one.
"""

from __future__ import annotations

from orders_sync.domain.completeness import SETTLED_AFTER, may_read_parts_again, missing_in_parts
from orders_sync.domain.errors import IncompleteWindowError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.engine.page_client import PageClient
from orders_sync.engine.paging import Reader
from orders_sync.store import claims
from orders_sync.store.database import Pool


async def hold_against_parts(
    pool: Pool, claim: Claim, part_rows: int, reader: Reader, client: PageClient
) -> IncompleteWindowError | None:
    """Count a window again whose parts brought `part_rows`. Return why they are read once more, None where they agree.

    Raises `IncompleteWindowError` where it is to fail, `LeaseLostError`, `PlatformError`.
    """
    total = await reader.count()
    missing = missing_in_parts(total, part_rows)
    if missing is None:
        async with pool.connection() as connection:
            await claims.finish(
                connection, claim, total=total, seen=part_rows, calls=client.calls, landed=LoadCounts(), is_split=True
            )
        return None
    if may_read_parts_again(claim.window, claim.parts_again_at, claim.now):
        reason = _incomplete(claim, f"{missing}. They are read once more")
        async with pool.connection() as connection, connection.transaction():
            if await claims.read_parts_again(
                connection, claim, str(reason), total=total, calls=client.calls, settled=SETTLED_AFTER
            ):
                return reason
    raise _incomplete(
        claim,
        f"{missing}, though they were read more than once. What was read has landed, the range does not count as "
        "proven. It is counted again after a pause of an hour at most",
    )


def _incomplete(claim: Claim, text: str) -> IncompleteWindowError:
    error = IncompleteWindowError(text)
    error.account, error.window = claim.account, str(claim.window)
    return error
