"""Requests for pages of orders: GET /open/order/page, the window in the query."""

from __future__ import annotations

from datetime import datetime

import httpx

from orders_sync.domain.accounts import Account
from orders_sync.platforms.contract import PageQuery
from orders_sync.platforms.xportcn.protocol import headers, parameters, url

PATH = "/open/order/page"


def request(account: Account, query: PageQuery, now: datetime) -> httpx.Request:
    """Return the request for one page. Raises ValueError for what Xportcn cannot list (`protocol.parameters`)."""
    return httpx.Request("GET", url(account, PATH), params=parameters(query), headers=headers(account, now))
