"""Pages of a list of orders, and response bodies in each platform's format."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from orders_sync.sandbox.json_text import encode
from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.request_checks import ListRequest, RequestRejectedError
from orders_sync.sandbox.shops import Shop
from orders_sync.sandbox.states import status_filter

PATHS = {
    "1688": "/gateway/1688/order/ext/list",
    "xportcn_open": "/api/open/order/page",
    "xportcn_ka": "/api/open/purchase/page",
}


@dataclass(slots=True)
class ListPage:
    """One page: the number of rows on all pages, and the records of this page; None is sent as null."""

    total: int
    records: list[bytes] | None


def list_page(shop: Shop, request: ListRequest) -> ListPage:
    """Return the requested page; past the last page no records, with the same total."""
    first = (request.page_no - 1) * request.page_size
    if request.order_ids is not None or request.order_no or request.purchase_id is not None:
        orders = _find_orders(shop, request)
        return ListPage(len(orders), shop.records(orders[first : first + request.page_size]))
    entries, low, high = shop.index.between((request.feed, request.status), request.start, request.end)
    if request.ascending:
        rows = entries[low + first : min(low + first + request.page_size, high)]
    else:
        rows = entries[max(low, high - first - request.page_size) : max(low, high - first)]
        rows.reverse()
    return ListPage(high - low, shop.records([row[2] for row in rows]))


def _find_orders(shop: Shop, request: ListRequest) -> list[SandboxOrder]:
    """Find orders by id, order number or purchase id that match the other parameters too, in the order of the list."""
    index = shop.index
    if request.order_ids is not None:
        orders = [index.orders[order_id] for order_id in request.order_ids if order_id in index.orders]
    elif request.order_no:
        orders = index.with_order_no(request.order_no)
    else:
        orders = index.with_purchase_id(request.purchase_id or 0)
    return sorted(
        (order for order in orders if _matches(order, request)),
        key=lambda order: (_time(order, request), order.order_id),
        reverse=not request.ascending,
    )


def _time(order: SandboxOrder, request: ListRequest) -> int:
    return order.modified if request.feed == "updated" else order.created


def _matches(order: SandboxOrder, request: ListRequest) -> bool:
    return (
        request.start <= _time(order, request) <= request.end
        and (request.status is None or status_filter(order.platform, order.state) == request.status)
        and (not request.order_no or order.order_no == request.order_no)
        and (request.purchase_id is None or order.purchase_id == request.purchase_id)
    )


def page_body(platform: str, page: ListPage) -> bytes:
    """Return the response body of a page."""
    if platform == "1688":
        head = b'{"code":0,"message":"ok","data":{"total":%d,"items":' % page.total
    else:
        head = (
            b'{"requestId":"%b","code":200,"developId":"1021091489188413467","msg":"\xe6\x88\x90\xe5\x8a\x9f",'
            b'"data":{"total":%d,"data":' % (uuid4().hex.encode(), page.total)
        )
    if not page.records:
        return head + (b"null}}" if page.records is None else b"[]}}")
    rows = list(page.records)  # megabytes: joined below with one copy
    rows[0] = head + b"[" + rows[0]
    rows[-1] += b"]}}"
    return b",".join(rows)


def null_data_body(platform: str) -> bytes:
    """Return the response body of a success whose data is null: no list, no total."""
    if platform == "1688":
        return encode({"code": 0, "message": "ok", "data": None})
    return encode(
        {"requestId": uuid4().hex, "code": 200, "developId": "1021091489188413467", "msg": "成功", "data": None}
    )


def error_body(platform: str, rejection: RequestRejectedError) -> bytes:
    """Return the response body of a rejected request, sent with HTTP 200."""
    if platform == "1688":
        return encode({"code": rejection.code, "message": rejection.message})
    return encode(
        {
            "requestId": uuid4().hex,
            "code": rejection.code,
            "developId": "1021091489188413467",
            "msg": rejection.message,
            "data": None,
        }
    )


def flow_limit_error(platform: str) -> RequestRejectedError:
    """Return the platform's rate limit error."""
    if platform == "1688":
        return RequestRejectedError(51, "gw.QosAppFrequencyLimit: App call exceeds limited frequency")
    return RequestRejectedError(429, "请求过于频繁 too many requests")
