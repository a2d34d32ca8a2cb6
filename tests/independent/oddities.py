"""Behaviour of a platform that no document rules out. Each oddity is one function and replaces stages of an answer.

An oddity wraps what is there, so several are put together by naming them one after the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from tests.independent.platform import CHINA, Oddity, Order, Query, Response, Stages, failure

Chooses = Callable[[Query, Order], bool]


def page_size_capped(most: int) -> Oddity:
    """Return fewer rows per page than were asked for, without an error."""

    def apply(stages: Stages) -> None:
        usual = stages.size
        stages.size = lambda query: min(usual(query), most)

    return apply


def total_capped(most: int) -> Oddity:
    """Never count more than the limit; the rows go on."""

    def apply(stages: Stages) -> None:
        usual = stages.total
        stages.total = lambda query, found: min(usual(query, found), most)

    return apply


def total_is(count: object) -> Oddity:
    """Return always the same count, whatever is listed: 0, a text, an absurd number."""

    def apply(stages: Stages) -> None:
        stages.total = lambda query, found: count  # type: ignore[assignment, return-value]

    return apply


def total_cached() -> Oddity:
    """The first count of a range is given for ever, though its rows change."""

    def apply(stages: Stages) -> None:
        usual = stages.total
        kept: dict[object, int] = {}

        def total(query: Query, found: list[Order]) -> int:
            return kept.setdefault((query.start, query.end, query.status, query.by), usual(query, found))

        stages.total = total

    return apply


def total_of_page() -> Oddity:
    """Count the rows of the page instead of all."""

    def apply(stages: Stages) -> None:
        stages.total = lambda query, found: len(stages.page(query, found, stages.size(query)))

    return apply


def total_too_high_by(more: int) -> Oddity:
    def apply(stages: Stages) -> None:
        usual = stages.total
        stages.total = lambda query, found: usual(query, found) + more if found else 0

    return apply


def reach_capped(rows: int) -> Oddity:
    """Return empty pages beyond so many rows, though the rows are counted."""

    def apply(stages: Stages) -> None:
        usual = stages.page
        stages.page = lambda query, found, size: usual(query, found[:rows], size)

    return apply


def _selects(chooses: Chooses) -> Oddity:
    def apply(stages: Stages) -> None:
        stages.select = lambda query, orders: [order for order in orders if chooses(query, order)]

    return apply


def end_exclusive() -> Oddity:
    return _selects(lambda query, order: query.start <= query.time_of(order) < query.end)


def begin_exclusive() -> Oddity:
    return _selects(lambda query, order: query.start < query.time_of(order) <= query.end)


def filter_ignored() -> Oddity:
    """List everything, whatever range is asked for."""
    return _selects(lambda query, order: True)


def filter_by_date_only() -> Oddity:
    """Compare only the day of each end, by China's clock."""

    def chooses(query: Query, order: Order) -> bool:
        at = query.time_of(order).astimezone(CHINA).date()
        return query.start.astimezone(CHINA).date() <= at <= query.end.astimezone(CHINA).date()

    return _selects(chooses)


def filter_by_created() -> Oddity:
    """The range is of creation time, whichever was asked for."""
    return _selects(lambda query, order: query.start <= order.created <= query.end)


def times_taken_as_utc() -> Oddity:
    """The range asked for is read as UTC, eight hours later than meant."""
    late = timedelta(hours=8)
    return _selects(lambda query, order: query.start + late <= query.time_of(order) <= query.end + late)


def range_refused_beyond(longest: timedelta, code: object = -1) -> Oddity:
    """A range longer than that is answered with an error of the platform's own."""

    def apply(stages: Stages) -> None:
        usual = stages.respond

        def respond(query: Query, body: Callable[[], bytes]) -> Response:
            if query.end - query.start > longest:
                return Response(failure(query.kind, code, "只能查询最近1个月的订单"))
            return usual(query, body)

        stages.respond = respond

    return apply


def nothing_as(data: bytes) -> Oddity:
    """An empty list is a success with `data` as given: b"null", b"[]", or b"" for no data at all."""

    def apply(stages: Stages) -> None:
        usual = stages.body

        def body(query: Query, total: int, page: list[Order]) -> bytes:
            if total or page:
                return usual(query, total, page)
            code = b"0" if query.kind == "1688" else b"200"
            return b'{"code":%s%s}' % (code, b',"data":' + data if data else b"")

        stages.body = body

    return apply


def byte_order_mark() -> Oddity:
    return body_changed(lambda body: b"\xef\xbb\xbf" + body)


def body_changed(change: Callable[[bytes], bytes]) -> Oddity:
    """Every body as `change` makes it."""

    def apply(stages: Stages) -> None:
        usual = stages.body
        stages.body = lambda query, total, page: change(usual(query, total, page))

    return apply


def arranged(arrange: Callable[[Query, list[Order]], list[Order]]) -> Oddity:
    """The list in another order."""

    def apply(stages: Stages) -> None:
        usual = stages.arrange
        stages.arrange = lambda query, found: arrange(query, usual(query, found))

    return apply


def reversed_order() -> Oddity:
    return arranged(lambda query, found: found[::-1])


def random_order(seed: int = 1) -> Oddity:
    """List in another order at every call: there is no sort key."""
    dice = random.Random(seed)
    return arranged(lambda query, found: dice.sample(found, len(found)))


def counted_never_listed(number: int) -> Oddity:
    """Count one order that is in no list."""

    def apply(stages: Stages) -> None:
        usual = stages.page

        def page(query: Query, found: list[Order], size: int) -> list[Order]:
            return usual(query, [order for order in found if order.number != number], size)

        stages.page = page

    return apply


def listed_twice(number: int) -> Oddity:
    """List and count one order twice."""
    return arranged(lambda query, found: [o for order in found for o in [order] * (1 + (order.number == number))])


def last_page_repeated() -> Oddity:
    """A page after the last one is the last one once more."""

    def apply(stages: Stages) -> None:
        usual = stages.page

        def page(query: Query, found: list[Order], size: int) -> list[Order]:
            last = max(1, -(-len(found) // size))
            return usual(query, found, size) if query.page_no <= last else found[(last - 1) * size :]

        stages.page = page

    return apply


def answers(response: Response, times: int | None = None, when: Callable[[Query], bool] = lambda query: True) -> Oddity:
    """Give this answer instead of the usual one: always, or so many times, to the queries chosen by `when`."""

    def apply(stages: Stages) -> None:
        usual, left = stages.respond, [times]

        def respond(query: Query, body: Callable[[], bytes]) -> Response:
            if left[0] == 0 or not when(query):
                return usual(query, body)
            if left[0] is not None:
                left[0] -= 1
            return response

        stages.respond = respond

    return apply


def blocked_by_firewall(status: int = 403, times: int | None = None, retry_after: int | None = None) -> Oddity:
    """A page for people with 401 or 403, from something in front of the gateway."""
    headers = {"Content-Type": "text/html"} | ({} if retry_after is None else {"Retry-After": str(retry_after)})
    return answers(Response(b"<html><body>Sorry, you have been blocked</body></html>", status, headers), times)


def redirected_to(where: str, status: int = 302) -> Oddity:
    return answers(Response(b"", status, {"Location": where}))


def hidden_in_ranges_of(
    less_than: timedelta, chooses: Callable[[Order], bool], while_: Callable[[], bool] = lambda: True
) -> Oddity:
    """Count and list these orders in longer ranges alone."""

    def apply(stages: Stages) -> None:
        usual = stages.select

        def select(query: Query, orders: list[Order]) -> list[Order]:
            found = usual(query, orders)
            if query.end - query.start >= less_than or not while_():
                return found
            return [order for order in found if not chooses(order)]

        stages.select = select

    return apply
