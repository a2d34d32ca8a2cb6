"""Screenshots of the console for the documents, of a demo that is served.

python -m tests.support.screenshots     writes docs/images/console/*.png; needs chromium and a Chinese font
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.support.browser import CHROMIUM, log_in
from tests.support.terminal import Terminal, eventually

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "console"
WIDE, NARROW = ViewportSize(width=1280, height=860), ViewportSize(width=390, height=844)
PATHS = {
    "overview": "/",
    "orders": "/orders",
    "backfills": "/backfills",
    "audits": "/audits",
    "rejects": "/rejects",
    "activity": "/activity",
    "export": "/export",
    "dictionary": "/dictionary?q=paid_amount",
    "system": "/system",
}


def take(root: str, token: str) -> None:
    """Write a screenshot of each page, and of three of them as a telephone shows them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=WIDE, locale="en-US", color_scheme="light")
        log_in(page, root, "demo", token)
        page.wait_for_selector("text=✓ 0")
        page.goto(f"{root}/accounts/sandbox-1688")
        account = page.url
        page.goto(f"{root}/orders?state=shipped")
        order = root + str(page.locator("table a.id").first.get_attribute("href"))
        for name, url in {**{n: root + p for n, p in PATHS.items()}, "account": account, "order": order}.items():
            _shoot(page, url, name)
        _shoot(page, _preview(page, root), "preview")
        small = browser.new_page(viewport=NARROW, locale="zh-CN", color_scheme="dark")
        log_in(small, root, "demo", token)
        for name, url in {"overview": root, "account": account, "order": order}.items():
            _shoot(small, url, f"{name}-narrow")
        browser.close()


def _preview(page: Page, root: str) -> str:
    page.goto(f"{root}/backfills")
    for box in page.locator("input[name=account]").all():
        box.check()
    page.fill("input[name=from]", "2024-04-01")
    page.click("button.main")
    page.wait_for_selector("text=Start exactly this")
    return page.url


def _shoot(page: Page, url: str, name: str) -> None:
    page.goto(url)
    page.screenshot(path=FOLDER / f"{name}.png")


def main() -> None:
    """Serve a demo and take the screenshots."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(Path(folder))
        try:
            service = terminal.serve("demo", "--serve", "--console", "127.0.0.1:0")
            eventually(lambda: "The console: http" in service.said)
            root, token = re.findall(r"The console: (http://\S+)/ +name: demo +token: (\S+)", service.said)[0]
            take(root, token)
            service.stop()
        finally:
            terminal.close()


if __name__ == "__main__":
    main()
