"""Xportcn KA, POST /open/purchase/page: Taobao purchases by creation time (api-facts 2; the seed 001)."""

from orders_sync.domain.directions import Direction
from orders_sync.domain.statuses import open_statuses
from orders_sync.domain.windows import Feed
from orders_sync.platforms.contract import Platform
from orders_sync.platforms.xportcn import protocol
from orders_sync.platforms.xportcn.ids import identify
from orders_sync.platforms.xportcn.ka import client, normalize
from orders_sync.platforms.xportcn.messages import MESSAGES
from orders_sync.platforms.xportcn.settings import AccountXportcn
from orders_sync.platforms.xportcn.statuses import STATUSES

PLATFORM = Platform(
    name="xportcn_ka",
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
    request=client.request,
    page=protocol.page,
    identify=identify,
    page_sizes=range(1, protocol.LARGEST_PAGE + 1),
    normalize=normalize.normalize,
    messages=MESSAGES,
)

__all__ = ["PLATFORM"]
