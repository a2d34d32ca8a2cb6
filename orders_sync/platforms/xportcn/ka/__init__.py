"""Xportcn KA, POST /open/purchase/page: Taobao purchases by creation time (api-facts 2.1)."""

from orders_sync.platforms.xportcn.ka.client import request
from orders_sync.platforms.xportcn.ka.normalize import normalize
from orders_sync.platforms.xportcn.platform import make_platform

PLATFORM = make_platform("xportcn_ka", request, normalize)

__all__ = ["PLATFORM"]
