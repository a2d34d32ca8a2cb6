"""Xportcn OpenAPI, GET /open/order/page: Taobao orders by creation time (api-facts 2.1)."""

from orders_sync.platforms.xportcn.open.client import request
from orders_sync.platforms.xportcn.open.normalize import normalize
from orders_sync.platforms.xportcn.platform import make_platform

PLATFORM = make_platform("xportcn_open", request, normalize)

__all__ = ["PLATFORM"]
