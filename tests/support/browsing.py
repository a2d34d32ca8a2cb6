"""What a browser test needs: a console, a person with all rights there, and the check for accessibility."""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, ViewportSize

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.terminal import Terminal

NAME = "lin"
SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = "axe.run({resultTypes: ['violations'], selectors: false})"  # without the details of what is well
# What a page looks like at its present width. `sideways`: the elements that make it scroll sideways. `unreachable`:
# those that scroll but neither take the focus nor hold anything that does.
LAYOUT = """() => {
    const width = document.documentElement.clientWidth;
    const all = [...document.querySelectorAll("body *")];
    const shown = (elements) => elements.map((each) => each.outerHTML.slice(0, 120));
    const scrolls = (overflow) => overflow === "auto" || overflow === "scroll";
    const isUnreachable = (each) => {
        const [wide, high] = [each.scrollWidth > each.clientWidth + 1, each.scrollHeight > each.clientHeight + 1];
        if (!wide && !high) return false;
        const style = getComputedStyle(each);
        return ((wide && scrolls(style.overflowX)) || (high && scrolls(style.overflowY)))
            && ![each, ...each.querySelectorAll("*")].some(
                (inner) => inner.tabIndex >= 0 && inner.getClientRects().length);
    };
    return {
        sideways: document.documentElement.scrollWidth <= width
            ? [] : shown(all.filter((each) => each.getBoundingClientRect().right > width + 1)),
        unreachable: shown(all.filter(isUnreachable)),
    };
}"""
# Whether an element has another look than at all widths before: whether it is drawn, how, and in which colours and
# letters. That is what axe-core judges by; what is beyond the edges of a page or an element is found by `LAYOUT`.
IS_NEW_LOOK = """() => {
    const styles = ["display", "visibility", "opacity", "color", "backgroundColor", "backgroundImage", "fontSize",
        "fontWeight", "textDecorationLine", "position", "pointerEvents"];
    const look = (style) => styles.map((name) => style[name]);
    const looks = [...document.querySelectorAll("*")].map(
        (each) => each.getClientRects().length ? look(getComputedStyle(each)).join() : "");
    window.looksBefore ??= new Set();
    const count = looksBefore.size;
    return looksBefore.add(looks.join(";")).size > count;
}"""
# Removes rows, list items and hours of a heat map that differ in their texts alone from three siblings before: axe-core
# needs as long for a hundred of them as for all else. All elements in two that are alike have the same names and
# attributes, and text or none; of the attributes named here it only matters whether they are empty.
REMOVE_ALIKE = """() => {
    const texts = new Set(["aria-label", "datetime", "for", "href", "id", "name", "title", "value", "x", "y"]);
    const attribute = ({name, value}) => texts.has(name) ? `${name}:${value !== ""}` : `${name}=${value}`;
    const shape = (node) => node.nodeType === Node.ELEMENT_NODE
        ? `<${node.nodeName} ${[...node.attributes].map(attribute)}>${[...node.childNodes].map(shape).join("")}</>`
        : (node.nodeType === Node.TEXT_NODE && node.data.trim() !== "" ? "text" : "");
    const counts = new Map();
    for (const each of document.querySelectorAll("tr, li, svg > a")) {
        if (!counts.has(each.parentNode)) counts.set(each.parentNode, new Map());
        const siblings = counts.get(each.parentNode);
        const found = shape(each);
        siblings.set(found, (siblings.get(found) ?? 0) + 1);
        if (siblings.get(found) > 3) each.remove();
    }
}"""
SIZES = WIDE, MIDDLE, NARROW = [ViewportSize(width=each, height=860) for each in (1280, 768, 390)]
SLOW = 300_000  # milliseconds: a test machine may be busy
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


def problems(page: Page) -> list[str]:
    """Return what keeps people from using a page at any width: elements, and the rule that they break.

    At each width: what makes the page scroll sideways, and what scrolls but not by keyboard. At each width where
    an element looks otherwise: what axe-core finds. Alike rows are removed from the page for that.
    """
    found: list[str] = []
    for size in SIZES:
        resize(page, size)
        layout: dict[str, list[str]] = page.evaluate(LAYOUT)
        found += layout["sideways"] + layout["unreachable"]
    page.evaluate(REMOVE_ALIKE)
    page.evaluate(AXE)
    for size in reversed(SIZES):
        resize(page, size)
        if page.evaluate(IS_NEW_LOOK):
            found += barriers(page)
    return found


def resize(page: Page, size: ViewportSize) -> None:
    if page.viewport_size != size:
        page.set_viewport_size(size)


def barriers(page: Page) -> list[str]:
    """Return the serious and critical findings of axe-core on a page that holds it: rule, element, why."""
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE)["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SEVERE
        for node in rule["nodes"]
    ]
