"""Example Shop, an invented marketplace, as a platform for orders-sync."""

from datetime import timedelta

from example_shop import client
from example_shop.messages import MESSAGES
from example_shop.normalize import identify, normalize
from example_shop.settings import ExampleShopAccount
from example_shop.statuses import STATUSES
from orders_sync.domain.directions import Direction
from orders_sync.domain.windows import Feed
from orders_sync.platforms import Platform

PLATFORM = Platform(
    name="example_shop",
    direction=Direction.SALE,
    settings=ExampleShopAccount,
    feed=Feed.UPDATED,
    feeds=frozenset(Feed),
    statuses=STATUSES,
    listed_statuses=(),
    longest_window=timedelta(days=31),
    furthest_back=None,
    page_size=client.LARGEST_PAGE,
    base_url=client.BASE_URL,
    refused_codes=client.REFUSED_CODES,
    throttled_codes=client.THROTTLED_CODES,
    request=client.request,
    page=client.page,
    identify=identify,
    page_sizes=range(1, client.LARGEST_PAGE + 1),
    normalize=normalize,
    messages=MESSAGES,
    simulation="example_shop.sandbox:simulate",
)

__all__ = ["PLATFORM"]
