"""The facts that both Xportcn lists share, as a platform (api-facts 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import httpx

from orders_sync.domain.accounts import Account
from orders_sync.domain.directions import Direction
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.statuses import open_statuses
from orders_sync.domain.windows import Feed
from orders_sync.platforms.contract import PageQuery, Platform
from orders_sync.platforms.xportcn import protocol
from orders_sync.platforms.xportcn.ids import identify
from orders_sync.platforms.xportcn.messages import MESSAGES
from orders_sync.platforms.xportcn.settings import AccountXportcn
from orders_sync.platforms.xportcn.statuses import STATUSES


def make_platform(
    name: str,
    request: Callable[[Account, PageQuery, datetime], httpx.Request],
    normalize: Callable[[bytes], OrderRows],
) -> Platform:
    """Return the platform of a list by creation time: its requests and rows are its own, all else is Xportcn's."""
    return Platform(
        name=name,
        direction=Direction.PURCHASE,
        settings=AccountXportcn,
        feed=Feed.CREATED,
        feeds=frozenset((Feed.CREATED,)),
        statuses=STATUSES,
        listed_statuses=open_statuses(STATUSES),
        longest_window=protocol.LONGEST_WINDOW,
        furthest_back=None,
        page_size=protocol.PAGE_SIZE,
        base_url=protocol.BASE_URL,
        refused_codes=protocol.REFUSED_CODES,
        throttled_codes=protocol.THROTTLED_CODES,
        request=request,
        page=protocol.page,
        identify=identify,
        page_sizes=range(1, protocol.LARGEST_PAGE + 1),
        normalize=normalize,
        messages=MESSAGES,
    )
