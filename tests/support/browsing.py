"""What a browser test needs: a console, a person with all rights there, and the check for accessibility."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.terminal import Terminal

NAME = "lin"
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
BARRIERS = Path(__file__).with_name("barriers.js").read_text(encoding="utf-8")
WIDTHS = NARROW, WIDE, MIDDLE = 390, 1280, 768  # the page before ends at the first
HEIGHT = 860
SLOW = 300_000  # milliseconds: a test machine may be busy


@dataclass(frozen=True)
class Console:
    """The console of a whole service that listens at `root`; `NAME` has all rights there, by `token`.

    `nasty_order`: the id of an order of 1688 whose first product has `SCRIPT` as its title.
    """

    root: str
    token: str
    tables: Tables
    world: World
    terminal: Terminal
    nasty_order: str


@dataclass(frozen=True)
class Judged:
    """What `problems` has judged: pages, and the contrasts of texts that were found well."""

    pages: set[str] = field(default_factory=set)
    contrasts: set[str] = field(default_factory=set)


def put_reject(console: Console) -> None:
    """Add the record of an order as one that could not be read."""
    shop = next(each for each in console.world.shops if each.platform == "1688")
    order = next(iter(shop.index.orders.values()))
    console.tables.execute(
        "INSERT INTO sync.rejects (account, platform, order_id, reason, reason_key, payload, payload_hash, read_at) "
        "VALUES (%s, '1688', %s, 'status: was not known', 'other', %s, decode(md5(%s), 'hex'), now()) "
        "ON CONFLICT (account, payload_hash) DO UPDATE SET resolved_at = NULL",
        shop.account.name,
        order.order_id,
        order.record,
        order.order_id,
    )


def problems(page: Page, judged: Judged | None = None) -> list[str]:
    """Return what keeps people from using a page at any width: elements, and the rule that they break.

    At each width: what makes the page scroll sideways, and what scrolls but not by keyboard. What axe-core finds of
    the whole page, then at each other width of what looks otherwise there. Alike rows are removed for that.

    Of a page that differs from one in `judged` only in colours, in its language and in what its texts say, axe-core
    judges only these; of texts whose letters and grounds look as those of one found well, not the contrast. What is
    judged is added.
    """
    judged = judged or Judged()
    found: list[str] = []
    page.evaluate(AXE + BARRIERS)
    for width in WIDTHS:
        resize(page, width)
        layout: dict[str, list[str]] = page.evaluate("barriers.layout()")
        found += layout["sideways"] + layout["unreachable"]
    page.evaluate("barriers.removeAlike()")
    plan: dict[str, Any] = page.evaluate("barriers.plan(innerWidth)")
    is_known = plan["key"] in judged.pages
    for width in (MIDDLE, *reversed(plan["widths"])):
        resize(page, width)
        verdict: dict[str, list[str]] = page.evaluate(
            "args => barriers.find(innerWidth, ...args)",
            [None if width == MIDDLE else MIDDLE, is_known, sorted(judged.contrasts)],
        )
        found += verdict["found"]
        judged.contrasts.update(verdict["readable"])
    judged.pages.add(plan["key"])
    return found


def resize(page: Page, width: int) -> None:
    if page.viewport_size != size(width):
        page.set_viewport_size(size(width))


def size(width: int) -> ViewportSize:
    return ViewportSize(width=width, height=HEIGHT)
