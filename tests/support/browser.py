"""A real Chromium on the console."""

from __future__ import annotations

import shutil

from playwright.sync_api import Page

# the first draws no windows: the tests take two thirds of the CPU time with it
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), "")


def log_in(page: Page, root: str, name: str, token: str) -> None:
    """Log in as a person does and wait for the overview."""
    page.goto(f"{root}/login")
    page.get_by_label("Name").or_(page.get_by_label("用户名")).fill(name)
    page.locator("[name=password]").fill(token)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
