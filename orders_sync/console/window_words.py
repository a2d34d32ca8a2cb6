"""Words for windows of the ledger and hours of the heat map, and a sign beside the colour of each."""

from __future__ import annotations

from orders_sync.console.words import later
from orders_sync.domain.windows import Feed, WindowKind, WindowState
from orders_sync.store.console.heat_map import CellState

CELLS = {
    CellState.COMPLETE: later("complete"),
    CellState.RUNNING: later("being read"),
    CellState.FAILED: later("failed"),
    CellState.MISSING: later("missing"),
    CellState.NEVER_ASKED: later("never asked"),
    CellState.BEFORE_HISTORY: later("before the synced history"),
    CellState.FORGOTTEN: later("proved, details removed since"),
    CellState.NOT_DUE: later("not due yet"),
}
STATES = {
    WindowState.PLANNED: ("", "·", later("waiting")),
    WindowState.RUNNING: ("run", "…", later("being read")),
    WindowState.DONE: ("good", "✓", later("complete")),
    WindowState.FAILED: ("bad", "✗", later("failed")),
    WindowState.SPLIT: ("", "÷", later("split into parts")),
    WindowState.BEYOND: ("", "–", later("further back than the platform lists")),
}
KINDS = {
    WindowKind.INCREMENTAL: later("changes and history"),
    WindowKind.CONFIRM: later("confirming pass"),
    WindowKind.SWEEP: later("sweep"),
    WindowKind.BACKFILL: later("backfill"),
    WindowKind.REPAIR: later("repair"),
    WindowKind.HOOK: later("message"),
}
FEEDS = {Feed.UPDATED: later("by time of change"), Feed.CREATED: later("by time of creation")}
ASKED = {Feed.UPDATED: later("orders changed on these days"), Feed.CREATED: later("orders placed on these days")}
REQUESTS = (later("sync"), later("audit"))  # the values of `domain/requests.py` RequestKind
AUDITS = {  # the states of `store/audit_reports.py`
    "running": ("run", "…", later("running")),
    "finished": ("good", "✓", later("finished")),
    "failed": ("bad", "✗", later("failed")),
    "interrupted": ("warn", "!", later("interrupted")),
}
PROBE_RESULTS = {  # of a check of the platform's behaviour
    "holds": ("good", "✓", later("as assumed")),
    "otherwise": ("warn", "!", later("otherwise")),
    "unknown": ("", "?", later("its orders cannot show it")),
}
CHECKS = (  # the values of `domain/assumptions.py` ASSUMPTIONS
    later("a page holds as many orders as were asked for"),
    later("all orders listed lie in the range asked for"),
    later("a range by time of change means the time an order shows, in its zone"),
    later("a range by time of creation means the time an order shows, in its zone"),
    later("an order exactly at the end of a range is listed"),
    later("an order exactly at the beginning of a range is listed"),
    later("times have no fractions of a second that they do not show"),
    later("a list is arranged by its time or by its number"),
    later("a range without orders is a success with a total of 0 and an empty list"),
    later("a page after the last one is empty"),
)
FETCHED = {  # what came of an order that was asked for by its number (`store/console/backfill_facts.py`)
    "waits": ("", "·", later("waiting")),
    "reading": ("run", "…", later("being read")),
    "found": ("good", "✓", later("found, and here")),
    "rejected": ("warn", "!", later("came, but could not become an order")),
    "asked_again": ("warn", "…", later("not listed at the first read: asked again")),
    "not_listed": ("warn", "–", later("not at the platform")),
    "failed": ("bad", "✗", later("failed")),
    "beyond": ("warn", "–", later("further back than the platform lists")),
    "not_read": ("warn", "–", later("not read")),
}
