"""The whole service with its console, on simulated platforms, and a Chromium in front of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from orders_sync.sandbox import World
from orders_sync.sandbox.shops import RENDER
from tests.support.browser import CHROMIUM, log_in
from tests.support.browsing import NAME, SCRIPT, SLOW, Console
from tests.support.databases import made_database
from tests.support.landed import a_world
from tests.support.terminal import Terminal, eventually, platforms

expect.set_options(timeout=SLOW)
# one process for all pages; a page that lives for a second gains nothing from optimized machine code
ARGUMENTS = ["--no-sandbox", "--process-per-site", "--js-flags=--no-opt"]


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of Chromium."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium fonts-noto-cjk")
    return CHROMIUM


@pytest.fixture(scope="package")
def console(chromium: str, server: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    world = a_world(90, samples=True)
    nasty_order = _put_script_in(world)
    with made_database(server, "browser", template) as tables, platforms(world) as (root, _):
        terminal = Terminal(tmp_path_factory.mktemp("browser"), {"DATABASE_URL": tables.url})
        try:
            terminal.describe(world, root)
            terminal.run("sync").assert_well()
            token = terminal.run("console", "add", NAME, "--act", "--see-persons").assert_well().out.strip()
            service = terminal.serve("run", "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0")
            eventually(lambda: re.search(r'"console": ?"http', service.said))
            found = re.findall(r'"console": ?"(http://[^"]+?)/?"', service.said)[0]
            yield Console(found, token, tables, world, terminal, nasty_order)
            service.stop()
        finally:
            terminal.close()


@pytest.fixture(scope="package")
def browser(console: Console) -> Iterator[Browser]:
    """Chromium. It depends on the service, so that nothing else runs on the event loop of Playwright's thread."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=SLOW)
        yield started
        started.close()


@pytest.fixture(scope="package")
def context(browser: Browser, console: Console) -> Iterator[BrowserContext]:
    """A wide English browser. Its page keeps the process alive that shows those of the tests: one costs a second."""
    with browser.new_context(viewport=ViewportSize(width=1280, height=860), locale="en-US") as made:
        made.set_default_timeout(SLOW)
        made.new_page().goto(f"{console.root}/login")
        yield made


@pytest.fixture(scope="package")
def session() -> list[Any]:
    """The cookies of somebody who is logged in; none before the first test that logs in."""
    return []


@pytest.fixture
def nobody(context: BrowserContext) -> Iterator[Page]:
    """A page of somebody who is not logged in."""
    context.clear_cookies()
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def page(nobody: Page, console: Console, session: list[Any]) -> Page:
    """A page of somebody who is logged in."""
    nobody.context.add_cookies(session)
    if "/login" in nobody.context.request.get(f"{console.root}/me").url:
        log_in(nobody, console.root, NAME, console.token)
        session[:] = nobody.context.cookies()
    return nobody


def _put_script_in(world: World) -> str:
    shop = next(each for each in world.shops if each.platform == "1688")
    order = next(each for each in shop.index.orders.values() if not each.quirk).next_version()
    order.lines[0].sku = replace(order.lines[0].sku, title=SCRIPT)
    order.record = RENDER[shop.platform](order)
    shop.publish(order)
    return order.order_id
