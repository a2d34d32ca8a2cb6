"""What a browser test needs: a console, a person with all rights there, and the check for accessibility."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.terminal import Terminal

NAME = "lin"
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = "axe.run({resultTypes: ['violations'], selectors: false})"  # without the details of what is well
SLOW = 60_000  # milliseconds: a test machine may be busy
SEVERE = ("serious", "critical")


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


def barriers(page: Page) -> list[str]:
    """Return the serious and critical findings of axe-core on a page: rule, element, why."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE)["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SEVERE
        for node in rule["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """Return the elements that make a page scroll sideways: an empty list where none does."""
    found: list[str] = page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll("body *")]
                .filter((each) => each.getBoundingClientRect().right > width + 1)
                .map((each) => each.outerHTML.slice(0, 120));
        }"""
    )
    return found
