"""A page of a listing, and the envelope each platform puts around it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from orders_sync.sandbox.gates import Barred, Listing
from orders_sync.sandbox.orders import Order
from orders_sync.sandbox.shops import Shop
from orders_sync.sandbox.states import filter_of
from orders_sync.sandbox.texts import encode

PATHS = {
    "1688": "/gateway/1688/order/ext/list",
    "xportcn_open": "/api/open/order/page",
    "xportcn_ka": "/api/open/purchase/page",
}


@dataclass(slots=True)
class Sheet:
    """One page: rows over all pages, and this page's records; None is sent as null."""

    total: int
    records: list[bytes] | None


def sheet(shop: Shop, listing: Listing) -> Sheet:
    """The page asked for. Past the last page: no rows, the right total."""
    first = (listing.page_no - 1) * listing.page_size
    if listing.order_ids is not None or listing.order_no or listing.purchase_id is not None:
        found = _numbered(shop, listing)
        return Sheet(len(found), shop.records(found[first : first + listing.page_size]))
    shelf, low, high = shop.shelves.between((listing.feed, listing.status), listing.start, listing.end)
    if listing.ascending:
        slots = shelf[low + first : min(low + first + listing.page_size, high)]
    else:
        slots = shelf[max(low, high - first - listing.page_size) : max(low, high - first)]
        slots.reverse()
    return Sheet(high - low, shop.records([slot[2] for slot in slots]))


def _numbered(shop: Shop, listing: Listing) -> list[Order]:
    """The orders asked for by number that also pass the other conditions, sorted like a listing."""
    shelves = shop.shelves
    if listing.order_ids is not None:
        orders = [shelves.orders[order_id] for order_id in listing.order_ids if order_id in shelves.orders]
    elif listing.order_no:
        orders = shelves.numbered(listing.order_no)
    else:
        orders = shelves.purchased(listing.purchase_id or 0)
    return sorted(
        (order for order in orders if _matches(order, listing)),
        key=lambda order: (_time(order, listing), order.order_id),
        reverse=not listing.ascending,
    )


def _time(order: Order, listing: Listing) -> int:
    return order.modified if listing.feed == "updated" else order.created


def _matches(order: Order, listing: Listing) -> bool:
    return (
        listing.start <= _time(order, listing) <= listing.end
        and (listing.status is None or filter_of(order.platform, order.state) == listing.status)
        and (not listing.order_no or order.order_no == listing.order_no)
        and (listing.purchase_id is None or order.purchase_id == listing.purchase_id)
    )


def envelope(platform: str, page: Sheet) -> bytes:
    """A page as it is sent."""
    if platform == "1688":
        head = b'{"code":0,"message":"ok","data":{"total":%d,"items":' % page.total
    else:
        head = (
            b'{"requestId":"%b","code":200,"developId":"1021091489188413467","msg":"\xe6\x88\x90\xe5\x8a\x9f",'
            b'"data":{"total":%d,"data":' % (uuid4().hex.encode(), page.total)
        )
    if not page.records:
        return head + (b"null}}" if page.records is None else b"[]}}")
    rows = list(page.records)  # megabytes, copied once
    rows[0] = head + b"[" + rows[0]
    rows[-1] += b"]}}"
    return b",".join(rows)


def null_data(platform: str) -> bytes:
    """A success without a list and without a total, as it is sent."""
    if platform == "1688":
        return encode({"code": 0, "message": "ok", "data": None})
    return encode(
        {"requestId": uuid4().hex, "code": 200, "developId": "1021091489188413467", "msg": "成功", "data": None}
    )


def refusal(platform: str, barred: Barred) -> bytes:
    """A refusal as it is sent, with HTTP 200."""
    if platform == "1688":
        return encode({"code": barred.code, "message": barred.message})
    return encode(
        {
            "requestId": uuid4().hex,
            "code": barred.code,
            "developId": "1021091489188413467",
            "msg": barred.message,
            "data": None,
        }
    )


def flow_limit(platform: str) -> Barred:
    """Slow down, as this platform says it."""
    if platform == "1688":
        return Barred(51, "gw.QosAppFrequencyLimit: App call exceeds limited frequency")
    return Barred(429, "请求过于频繁 too many requests")
