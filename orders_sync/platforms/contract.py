"""The contract of a platform: values and pure functions, of which each platform package makes one `Platform`.

engine -> request(account, query, now) -> httpx.Request     client.py, pure: signs and encodes
engine -> http.fetch(request)          -> body              platforms/http.py, the only I/O
engine -> page(account, body)          -> Page              client.py, pure: envelope to total + untouched records
engine -> identify(record, feed)       -> Head              normalize.py, pure: order id and time of the feed
engine -> normalize(record)            -> OrderRows         normalize.py, pure
engine -> messages.parse(message)      -> MessageContent    messages.py, pure: where the platform reports changes itself

The file of a platform's package is the usual one; both lists of Xportcn share `protocol.py` (signature, envelope) and
`ids.py` (`identify`). All times are aware datetimes, in whatever zone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from orders_sync.domain.accounts import Account
from orders_sync.domain.directions import Direction
from orders_sync.domain.messages import MessageContent
from orders_sync.domain.records import Head
from orders_sync.domain.rows import OrderRows
from orders_sync.domain.statuses import Status
from orders_sync.domain.windows import Feed, Window
from orders_sync.platforms.account_settings import AccountSettings


@dataclass(frozen=True, slots=True)
class PageQuery:
    """One page of one window. `page_no` counts from 1; `window` is sent as `start .. end` (`Window`).

    `status`: only orders that are in it, one of the platform's `listed_statuses`.
    """

    feed: Feed
    window: Window
    page_no: int
    page_size: int
    status: str | None = None

    def __str__(self) -> str:
        status = "" if self.status is None else f", status {self.status}"
        return f"page {self.page_no} of {self.window} by {self.feed} time{status}, {self.page_size} per page"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    `total`: records over all pages, as the platform counts them. `records`: their bytes exactly as received.

    `has_no_list_or_total`: a success without either, as many services answer when there is nothing. Not documented, so
    it counts only when it is answered twice.
    """

    total: int
    records: list[bytes]
    has_no_list_or_total: bool = False


def _code(status: int) -> str:
    return f'{{"code":{status}}}'


@dataclass(frozen=True, slots=True)
class MessageService:
    """The messages in which a platform reports changes by itself: POST /hooks/{path}/{account}/{hook_token}.

    The settings of its accounts are `AccountWithHook`: the token at the end of the address is all that is checked, for
    a message only says which order to read again. Platforms may share a path; accounts have names of their own.
    `path`: one segment of a URL. `parse`: raises nothing, whatever the bytes.
    `answer`: the body of the answer by its status code, and `media_type` its type. A request with GET is answered too.
    `waits`: how long the sender waits for the answer. What cannot be stored by then is answered 503.
    """

    path: str
    parse: Callable[[bytes], MessageContent]
    answer: Callable[[int], str] = _code
    media_type: str = "application/json"
    waits: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Simulation:
    """One simulated account of a platform, for `orders-sync demo` and `orders-sync sandbox`.

    `settings`: the account; its name and base_url are replaced.
    `app`: an ASGI app, mounted at the path of base_url. Its lifespan is not run.
    `expected_orders`: the values that the tables must hold of every order that is listed now, by column: `order_id`,
    any others of `orders`, and `lines` in the order of their `line_no`, each with `line_no` and any of sub_order_id,
    status, refund_status, amount, product_id, sku_id, quantity, unit_price and title. Amounts and quantities are text,
    times text in ISO 8601 with a zone. `reject`: true where the record must be in `sync.rejects` instead.
    """

    settings: AccountSettings
    app: Callable[..., Awaitable[None]]
    expected_orders: Callable[[], Iterable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform. `feed` is what incremental runs list by; `feeds` is all the platform can list by.

    `direction`: whether its orders are what the account sells or what it buys; the column `direction` of every table.
    `settings`: the model of an account in [[accounts]]. Its `Secret` fields are redacted wherever they may show.
    `statuses`: all that are documented, in the order of an order's life. `listed_statuses`: those by which its orders
    are listed to follow what is not final; none where it is listed by time of change.
    `request`: raises ValueError when the query is beyond what the platform takes. `now` is aware, for the timestamp.
    `page`: raises `AuthenticationError`, `RateLimitError`, `TransientError`, `InvalidRequestError` by the envelope,
    `MalformedResponseError` when it cannot be read.
    `page_sizes`: those it takes.
    `identify`: the order id of a record and the time it shows of a feed, in one pass that decodes little else. Raises
    nothing, whatever the bytes. Every record that is read costs this; an unchanged one costs no more.
    `normalize`: raises `InvalidRecordError`, and nothing else, whatever the bytes.
    `messages`: None where no message service is known.
    `simulation`: "module:function" of a function (orders: int, now: datetime) -> `Simulation`, imported by nothing but
    `demo` and `sandbox`; None where none is brought. `now` is aware: the last change is a minute before it or earlier,
    since a sync reads up to `lag` before now.
    """

    name: str
    direction: Direction
    settings: type[AccountSettings]
    feed: Feed
    feeds: frozenset[Feed]
    statuses: tuple[Status, ...]
    listed_statuses: tuple[str, ...]
    longest_window: timedelta  # the longest the platform takes (1688), or the default where the limit is not known
    furthest_back: timedelta | None  # how far back it is documented to list; None where nobody says
    page_size: int  # the largest page the platform takes (1688), or the default where the limit is not known
    base_url: str
    refused_codes: tuple[str, ...]
    throttled_codes: tuple[str, ...]
    request: Callable[[Account, PageQuery, datetime], httpx.Request]
    page: Callable[[Account, bytes], Page]
    identify: Callable[[bytes, Feed], Head]
    page_sizes: Collection[int]
    normalize: Callable[[bytes], OrderRows]
    messages: MessageService | None = None
    simulation: str | None = None

    def identifier(self, feed: Feed) -> Callable[[bytes], Head]:
        """Return `identify` for records that are listed by this feed."""
        identify = self.identify
        return lambda record: identify(record, feed)
