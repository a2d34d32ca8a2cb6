"""Where one shop's orders stand as the platform sees them: sorted by second, found by number."""

from __future__ import annotations

from bisect import bisect_left, insort

from orders_sync.sandbox.orders import Order
from orders_sync.sandbox.states import filter_of

Slot = tuple[int, str, Order]
Query = tuple[str, int | None]  # ("created" | "updated", number of the status filter or None)


class Shelves:
    """Orders as listed: every order once on each shelf it belongs to. Only published versions are here."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self._shelves: dict[Query, list[Slot]] = {}
        self._by_no: dict[str, set[str]] = {}
        self._by_purchase: dict[int, str] = {}

    def fill(self, orders: list[Order]) -> None:
        """Put many at once."""
        for order in orders:
            for query, slot in self._slots(order):
                self._shelves.setdefault(query, []).append(slot)
            self._enter(order)
        for shelf in self._shelves.values():
            shelf.sort(key=_place)

    def put(self, order: Order) -> None:
        """Put one order, in place of its former version."""
        former = self.orders.get(order.order_id)
        if former is not None:
            for query, slot in self._slots(former):
                shelf = self._shelves[query]
                del shelf[bisect_left(shelf, slot[:2], key=_place)]
        for query, slot in self._slots(order):
            insort(self._shelves.setdefault(query, []), slot, key=_place)
        self._enter(order)

    def between(self, query: Query, start: int, end: int) -> tuple[list[Slot], int, int]:
        """A shelf and the slice of it within these seconds, both inclusive, ascending."""
        shelf = self._shelves.get(query, [])
        return shelf, bisect_left(shelf, (start, ""), key=_place), bisect_left(shelf, (end + 1, ""), key=_place)

    def numbered(self, order_no: str) -> list[Order]:
        """The orders of one orderNo."""
        return [self.orders[order_id] for order_id in sorted(self._by_no.get(order_no, ()))]

    def purchased(self, purchase_id: int) -> list[Order]:
        """The order of one purchaseId, as a list of one or none."""
        order_id = self._by_purchase.get(purchase_id)
        return [self.orders[order_id]] if order_id else []

    def _enter(self, order: Order) -> None:
        self.orders[order.order_id] = order
        if order.platform != "1688":
            self._by_no.setdefault(order.order_no, set()).add(order.order_id)
        if order.purchase_id:
            self._by_purchase[order.purchase_id] = order.order_id

    def _slots(self, order: Order) -> list[tuple[Query, Slot]]:
        status = filter_of(order.platform, order.state)
        created: Slot = (order.created, order.order_id, order)
        slots: list[tuple[Query, Slot]] = [(("created", None), created), (("created", status), created)]
        if order.platform == "1688":
            updated: Slot = (order.modified, order.order_id, order)
            slots += [(("updated", None), updated), (("updated", status), updated)]
        return slots


def _place(slot: Slot) -> tuple[int, str]:
    return slot[:2]
