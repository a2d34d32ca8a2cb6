"""A second simulation of the three APIs, on a real port, that shares no code and no assumption with the sandbox.

Written from the platforms' documents alone. An answer is made in stages, and every stage can be replaced by an oddity
(`tests/independent/oddities.py`), so that behaviours no document rules out are combined in one line:

    with FakePlatform("1688", orders_every(minutes(7), 300), page_size_capped(100), end_exclusive()) as fake: ...

    request -> Query -> select -> arrange -> size, total, page -> body -> respond
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import attrgetter
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CHINA = timezone(timedelta(hours=8))
APP_ID, SECRET, SELLER = "independent-app", "independent-secret", "independent-seller"
PATHS = {
    "/gateway/1688/order/ext/list": "1688",
    "/api/open/order/page": "xportcn_open",
    "/api/open/purchase/page": "xportcn_ka",
}


@dataclass
class Order:
    """An order on the platform. Times are aware and may hold fractions of a second, which no record shows.

    `status`: 1688's word, Xportcn's number. `is_listed`: False while the list does not bring it yet. `record`: replaces
    the whole record.
    """

    number: int
    created: datetime
    modified: datetime
    status: str = ""
    amount: int = 100  # fen
    is_listed: bool = True
    record: bytes | None = None

    def fields(self) -> tuple[int, datetime, datetime, str, int]:
        """Return the values that a record in the documented shape shows."""
        return self.number, self.created, self.modified, self.status, self.amount


@dataclass(frozen=True)
class Query:
    """One request as the platform understands it.

    `start` and `end`: as asked, whole seconds. `by`: created or modified, the attribute of an order.
    """

    kind: str
    by: str
    start: datetime
    end: datetime
    page_no: int
    size: int
    status: str | None

    @property
    def time_of(self) -> Callable[[Order], datetime]:
        """The time of an order that the range is of. A list of thousands asks once for it, not once for each."""
        return attrgetter(self.by)


@dataclass(frozen=True)
class Response:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Stages:
    """The stages in which most platforms would make an answer. An oddity replaces one or more of them."""

    select: Callable[[Query, list[Order]], list[Order]]
    arrange: Callable[[Query, list[Order]], list[Order]]
    size: Callable[[Query], int]
    total: Callable[[Query, list[Order]], int]
    page: Callable[[Query, list[Order], int], list[Order]]
    body: Callable[[Query, int, list[Order]], bytes]
    respond: Callable[[Query, Callable[[], bytes]], Response]


Oddity = Callable[[Stages], None]


def usual() -> Stages:
    """Return the usual stages: ends inclusive, all rows counted; 1688 oldest first as asked, Xportcn newest first."""
    return Stages(
        select=_in_range,
        arrange=lambda query, found: sorted(found, key=attrgetter(query.by, "number"), reverse=query.kind != "1688"),
        size=lambda query: query.size,
        total=lambda query, found: len(found),
        page=lambda query, found, size: found[(query.page_no - 1) * size : query.page_no * size],
        body=lambda query, total, page: envelope(query.kind, total, page),
        respond=lambda query, body: Response(body()),
    )


def _in_range(query: Query, orders: list[Order]) -> list[Order]:
    start, end, time_of = query.start, query.end, query.time_of
    return [order for order in orders if start <= time_of(order) <= end]


class FakePlatform:
    """Serves `orders` as one of the APIs while it is entered. `calls` are the queries it answered, in order."""

    def __init__(self, kind: str, orders: Iterable[Order], *oddities: Oddity) -> None:
        self.kind = kind
        self.orders = list(orders)
        self.calls: list[Query] = []
        self.headers: list[dict[str, str]] = []
        self.stages = usual()
        self.add(*oddities)

    def add(self, *oddities: Oddity) -> None:
        for oddity in oddities:
            oddity(self.stages)

    def behave(self, *oddities: Oddity) -> None:
        """Answer in the usual way but for these oddities, from now on."""
        self.stages = usual()
        self.add(*oddities)

    def __enter__(self) -> FakePlatform:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}" + ("" if self.kind == "1688" else "/api")

    def answer(self, query: Query) -> Response:
        self.calls.append(query)
        return self.stages.respond(query, lambda: self._body(query))

    def _body(self, query: Query) -> bytes:
        stages = self.stages
        status = query.status
        listed = [order for order in self.orders if order.is_listed and (status is None or order.status == status)]
        found = stages.arrange(query, stages.select(query, listed))
        size = stages.size(query)
        return stages.body(query, stages.total(query, found), stages.page(query, found, size))

    def truth(self) -> dict[str, str]:
        """The status of every order by its number: what the tables must hold in the end."""
        return {str(order.number): order.status for order in self.orders}


def orders_every(
    step: timedelta, count: int, *, end: datetime | None = None, status: str = "", first: int = 1
) -> list[Order]:
    """Return orders one `step` apart, created and last modified at the same time, the youngest just before `end`."""
    end = end or datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
    times = [end - step * (count - number) for number in range(count)]
    return [Order(4_000_000_000_000_000_000 + first + n, at, at, status) for n, at in enumerate(times)]


def of_kind(kind: str, orders: Iterable[Order]) -> list[Order]:
    """The orders, each in the platform's status for "to be shipped" where it has none."""
    found = list(orders)
    for order in found:
        order.status = order.status or ("waitsellersend" if kind == "1688" else "10")
    return found


def envelope(kind: str, total: object, page: list[Order]) -> bytes:
    """A success as documented, records in their documented shape."""
    records = b",".join(order.record or _record(kind, *order.fields()) for order in page)
    if kind == "1688":
        return b'{"code":0,"message":"success","data":{"total":%s,"items":[%s]}}' % (str(total).encode(), records)
    head = '{"requestId":"r1","code":200,"developId":"1","msg":"成功","data":'.encode()
    return head + b'{"total":%s,"data":[%s]}}' % (str(total).encode(), records)


def failure(kind: str, code: object, message: str) -> bytes:
    name = "message" if kind == "1688" else "msg"
    return json.dumps({"code": code, name: message, "data": None}, ensure_ascii=False).encode()


@lru_cache(maxsize=10_000)
def _record(kind: str, *fields: Any) -> bytes:
    return json.dumps(SHAPES[kind](Order(*fields)), ensure_ascii=False).encode()


def _record_1688(order: Order) -> dict[str, Any]:
    yuan = f"{order.amount / 100:.2f}"
    line = {"subItemIDString": str(order.number + 10**18), "itemAmount": yuan, "price": yuan, "quantity": 1}
    line |= {"productID": 1, "skuID": 2, "name": "红色鞋子", "status": order.status}
    base = {"idOfStr": str(order.number), "status": order.status, "totalAmount": yuan}
    base |= {"createTime": _compact(order.created), "modifyTime": _compact(order.modified)}
    return {"baseInfo": base, "productItems": [line]}


def _record_open(order: Order) -> dict[str, Any]:
    line = {"subOrderId": None, "orderNo": str(order.number), "quantity": 1, "purchaseAmount": str(order.amount)}
    line |= {"itemId": "1", "skuId": "2", "subOrderResult": None, "status": None}
    return _header(order) | {"subOrderVOS": [line]}


def _record_ka(order: Order) -> dict[str, Any]:
    line = {"id": str(order.number + 10**18), "orderNo": str(order.number), "refundStatus": 0, "refundId": ""}
    line |= {"subOrderStatus": "WAIT_SELLER_SEND_GOODS", "subOrderResult": None, "createSubOrderResult": None}
    return _header(order) | {"purchaseId": order.number, "subOrderVOS": [line]}


def _header(order: Order) -> dict[str, Any]:
    made = {"id": str(order.number), "orderNo": str(order.number), "createTime": _spaced(order.created)}
    return made | {"payTime": None, "purchaseAmount": order.amount, "status": int(order.status)}


SHAPES = {"1688": _record_1688, "xportcn_open": _record_open, "xportcn_ka": _record_ka}


def _compact(moment: datetime) -> str:
    return moment.astimezone(CHINA).strftime("%Y%m%d%H%M%S000+0800")


def _spaced(moment: datetime) -> str:
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)


def _query(kind: str, values: dict[str, Any]) -> Query:
    status = str(values["status"]) if values.get("status") not in (None, "") else None
    if kind == "1688":
        by = "modified" if str(values.get("date_type", "0")) == "1" else "created"
        start, end, page_no, size = (values[k] for k in ("start_created", "end_created", "page_no", "page_size"))
    else:
        by = "created"
        start, end, page_no, size = (values[k] for k in ("beginDateTime", "endDateTime", "pageNum", "pageSize"))
    return Query(kind, by, _moment(start), _moment(end), int(page_no), int(size), status)


def _is_signed(kind: str, values: dict[str, Any], headers: dict[str, str]) -> bool:
    if kind == "1688":
        text = "".join(key + values[key] for key in sorted(values) if key != "sign")
        return hashlib.md5(f"{SECRET}{text}{SECRET}".encode()).hexdigest() == values.get("sign")
    text = headers.get("access-key", "") + headers.get("timestamp", "") + headers.get("nonce-str", "") + SECRET
    return hashlib.md5(text.encode()).hexdigest().upper() == headers.get("signature")


def _handler(fake: FakePlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # head and body of an answer go out at once: sent apart, the body waits 0.04 s until the head is confirmed
        wbufsize = 2**16
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            kind = PATHS.get(parts.path)
            if kind != fake.kind:
                return self._send(Response(b"no such path", 404))
            if kind == "xportcn_ka":
                values = json.loads(body)
            else:
                values = dict(parse_qsl(body if kind == "1688" else parts.query, keep_blank_values=True))
            fake.headers.append(headers)
            if not _is_signed(kind, values, headers):
                return self._send(
                    Response(failure(kind, "gw.SignatureInvalid" if kind == "1688" else 401, "signature"))
                )
            return self._send(fake.answer(_query(kind, values)))

        do_POST = do_GET

        def _send(self, response: Response) -> None:
            self.send_response_only(response.status)
            named = {"Date": self.date_time_string(), "Content-Type": "application/json", **response.headers}
            for name, value in named.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None: ...

    return Handler
