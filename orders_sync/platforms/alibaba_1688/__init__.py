"""1688 orders by the fw199 gateway's enhanced list (api-facts 4): what changed, by time of change."""

from orders_sync.domain.directions import Direction
from orders_sync.domain.windows import Feed
from orders_sync.platforms.alibaba_1688.client import (
    BASE_URL,
    FURTHEST_BACK,
    LARGEST_PAGE,
    LONGEST_WINDOW,
    PAGE_SIZES,
    REFUSED_CODES,
    THROTTLED_CODES,
    page,
    request,
)
from orders_sync.platforms.alibaba_1688.normalize import identify, normalize
from orders_sync.platforms.alibaba_1688.settings import Account1688
from orders_sync.platforms.alibaba_1688.statuses import STATUSES
from orders_sync.platforms.contract import Platform

PLATFORM = Platform(
    name="1688",
    direction=Direction.SALE,
    settings=Account1688,
    feed=Feed.UPDATED,
    feeds=frozenset(Feed),
    statuses=STATUSES,
    listed_statuses=(),
    longest_window=LONGEST_WINDOW,
    furthest_back=FURTHEST_BACK,
    page_size=LARGEST_PAGE,
    base_url=BASE_URL,
    refused_codes=REFUSED_CODES,
    throttled_codes=THROTTLED_CODES,
    request=request,
    page=page,
    identify=identify,
    page_sizes=PAGE_SIZES,
    normalize=normalize,
)

__all__ = ["PLATFORM"]
