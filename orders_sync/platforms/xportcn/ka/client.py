"""Requests for pages of purchases: POST /open/purchase/page, the window in a JSON body."""

from __future__ import annotations

from datetime import datetime

import httpx
import msgspec

from orders_sync.domain.accounts import Account
from orders_sync.platforms.contract import PageQuery
from orders_sync.platforms.xportcn.protocol import headers, parameters, url

PATH = "/open/purchase/page"


def request(account: Account, query: PageQuery, now: datetime) -> httpx.Request:
    """Return the request for one page. Raises ValueError for what Xportcn cannot list (`protocol.parameters`)."""
    return httpx.Request(
        "POST",
        url(account, PATH),
        content=msgspec.json.encode(parameters(query)),
        headers={**headers(account, now), "content-type": "application/json"},
    )
