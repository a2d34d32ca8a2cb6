"""Index of one shop's orders as its platform lists them: sorted by time, and by order number and purchase id."""

from __future__ import annotations

from bisect import bisect_left, insort

from orders_sync.sandbox.orders import SandboxOrder
from orders_sync.sandbox.states import status_filter

IndexEntry = tuple[int, str, SandboxOrder]  # epoch second, order id, order
ListKey = tuple[str, int | None]  # ("created" or "updated", value of the status filter or None for all)


class OrderIndex:
    """The published version of each order, by id, and sorted lists of them by time and status.

    An order is once in every list it belongs to: created, and for 1688 updated, each with and without its status.
    """

    def __init__(self) -> None:
        self.orders: dict[str, SandboxOrder] = {}
        self._lists: dict[ListKey, list[IndexEntry]] = {}
        self._by_no: dict[str, set[str]] = {}
        self._by_purchase: dict[int, str] = {}

    def copy(self) -> OrderIndex:
        """Return an index of the same orders, to be changed apart from this one."""
        other = OrderIndex()
        other.orders = self.orders.copy()
        other._lists = {key: entries.copy() for key, entries in self._lists.items()}
        other._by_no = {order_no: order_ids.copy() for order_no, order_ids in self._by_no.items()}
        other._by_purchase = self._by_purchase.copy()
        return other

    def fill(self, orders: list[SandboxOrder]) -> None:
        """Add many orders at once, to an empty index."""
        for order in orders:
            for key, entry in self._entries(order):
                self._lists.setdefault(key, []).append(entry)
            self._register(order)
        for entries in self._lists.values():
            entries.sort(key=_sort_key)

    def put(self, order: SandboxOrder) -> None:
        """Add an order, or replace its former version."""
        former = self.orders.get(order.order_id)
        if former is not None:
            self._remove_from_lists(former)
        for key, entry in self._entries(order):
            insort(self._lists.setdefault(key, []), entry, key=_sort_key)
        self._register(order)

    def remove(self, order: SandboxOrder) -> None:
        """Remove an order by its indexed version."""
        self._remove_from_lists(order)
        del self.orders[order.order_id]
        self._by_no.get(order.order_no, set()).discard(order.order_id)
        self._by_purchase.pop(order.purchase_id, None)

    def between(self, key: ListKey, start: int, end: int) -> tuple[list[IndexEntry], int, int]:
        """Find the orders of a list between two epoch seconds, both inclusive.

        Returns:
            The whole list, ascending by (second, order id), and the bounds of the slice that matches.
        """
        entries = self._lists.get(key, [])
        low = bisect_left(entries, (start, ""), key=_sort_key)
        return entries, low, bisect_left(entries, (end + 1, ""), key=_sort_key)

    def with_order_no(self, order_no: str) -> list[SandboxOrder]:
        """Return the Xportcn orders with this orderNo, sorted by id."""
        return [self.orders[order_id] for order_id in sorted(self._by_no.get(order_no, ()))]

    def with_purchase_id(self, purchase_id: int) -> list[SandboxOrder]:
        """Return the order with this purchaseId as a list of one, or an empty list."""
        order_id = self._by_purchase.get(purchase_id)
        return [self.orders[order_id]] if order_id else []

    def _remove_from_lists(self, order: SandboxOrder) -> None:
        for key, entry in self._entries(order):
            entries = self._lists[key]
            del entries[bisect_left(entries, entry[:2], key=_sort_key)]

    def _register(self, order: SandboxOrder) -> None:
        self.orders[order.order_id] = order
        if order.platform != "1688":
            self._by_no.setdefault(order.order_no, set()).add(order.order_id)
        if order.purchase_id:
            self._by_purchase[order.purchase_id] = order.order_id

    def _entries(self, order: SandboxOrder) -> list[tuple[ListKey, IndexEntry]]:
        status = status_filter(order.platform, order.state)
        created: IndexEntry = (order.created, order.order_id, order)
        entries: list[tuple[ListKey, IndexEntry]] = [(("created", None), created), (("created", status), created)]
        if order.platform == "1688":
            updated: IndexEntry = (order.modified, order.order_id, order)
            entries += [(("updated", None), updated), (("updated", status), updated)]
        return entries


def _sort_key(entry: IndexEntry) -> tuple[int, str]:
    return entry[:2]
