"""What people in operations do in the console, in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.support.browsing import NAME, SCRIPT, Console, put_reject
from tests.support.terminal import Pause

pytestmark = pytest.mark.xdist_group("browser")  # one console and one browser for all files


def test_a_log_in_by_keyboard_alone_leads_where_one_wanted_to_go(nobody: Page, console: Console) -> None:
    nobody.goto(f"{console.root}/orders?state=shipped")
    expect(nobody).to_have_url(re.compile("/login"))
    expect(nobody.get_by_label("Name")).to_be_focused()
    nobody.keyboard.type(NAME)
    nobody.keyboard.press("Tab")
    nobody.keyboard.type("wrong")
    nobody.keyboard.press("Enter")
    expect(nobody.get_by_role("alert")).to_have_text("Name and password do not match.")
    expect(nobody.get_by_label("Name")).to_have_value(NAME)
    expect(nobody.get_by_label("Password or token")).to_be_focused()
    nobody.keyboard.type(console.token)
    nobody.keyboard.press("Enter")
    expect(nobody).to_have_url(f"{console.root}/orders?state=shipped")
    nobody.keyboard.press("Tab")
    nobody.keyboard.press("Enter")
    expect(nobody.locator("#main")).to_be_focused()


def test_the_overview_shows_every_shop(page: Page, console: Console) -> None:
    page.goto(console.root)
    for account in console.world.accounts:
        expect(page.locator("#list").get_by_role("link", name=account.name, exact=True)).to_be_visible()
    page.get_by_label("Search name or platform").fill("no such shop")
    page.keyboard.press("Enter")
    expect(page.locator("#list")).to_contain_text("No shop fits.")


def test_a_click_on_an_hour_shows_its_windows(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/accounts/{console.world.accounts[0].name}")
    page.locator("svg.heat a.cell-complete").first.click()
    windows = page.locator("#hour").get_by_role("table")
    expect(windows.get_by_role("row")).not_to_have_count(0)
    expect(windows).to_contain_text("complete")


def test_a_backfill_goes_from_its_preview_to_done_while_one_looks_on(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/backfills")
    page.get_by_label(console.world.accounts[1].name, exact=True).check()
    page.get_by_label("From", exact=True).fill(f"{console.world.accounts[1].history_from:%Y-%m-%d}")
    page.get_by_label("also what is complete").check()
    page.get_by_role("button", name="Preview").first.click()
    start = page.get_by_role("button", name="Start exactly this")
    promised = re.findall(r"parts: ([\d,]+),", start.inner_text())
    with Pause(console.world, 1):
        start.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Backfill \d+"))
        expect(page.get_by_text("Stop this backfill …")).to_be_visible()
    expect(page.get_by_role("button", name="Read all of it again")).to_be_visible()
    expect(page.locator(".sign.good")).to_have_text("done")
    expect(page.get_by_role("main")).to_contain_text(f"Parts read: {promised[0]} of {promised[0]}")


def test_a_reject_that_can_be_read_now_is_replayed(page: Page, console: Console) -> None:
    put_reject(console)
    page.goto(f"{console.root}/rejects")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Replay the chosen").click()
    expect(page.get_by_role("status")).to_have_text("Became orders: 1.")
    expect(page.get_by_role("main")).to_contain_text("every record of a platform has become an order.")


def test_an_order_is_found_by_a_number_and_fetched_again(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/orders")
    page.get_by_label("Any numbers").fill(console.nasty_order)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(console.nasty_order)
    page.get_by_role("button", name="Fetch it now").click()
    expect(page.locator(".sign.good").first).to_have_text("done")
    expect(page.get_by_role("row", name=console.nasty_order)).to_contain_text("found, and here")
    page.get_by_role("link", name=console.nasty_order).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(console.nasty_order)


def test_why_an_order_is_not_here_leads_to_the_backfill_of_its_day(page: Page, console: Console) -> None:
    account = console.world.accounts[1]
    day = f"{account.history_from + timedelta(days=10):%Y-%m-%d}"
    page.goto(f"{console.root}/orders?q=9999999999999999999")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not here")
    page.get_by_label("Placed on (day)").fill(day)
    page.get_by_label("Shop").select_option(account.name)
    page.get_by_role("button", name="Why is it not here?").click()
    expect(page.locator("ul.reasons")).to_contain_text("the platform did not list it")
    page.get_by_role("link", name="Backfill this day again").click()
    expect(page.get_by_label(account.name, exact=True)).to_be_checked()
    expect(page.get_by_role("button", name="Start exactly this")).to_be_visible()


def test_an_order_is_seen_as_it_was_on_a_day(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/orders?q={console.nasty_order}")
    field = page.get_by_label("What it looked like on (day)")
    field.fill("2001-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_label("At that time")).to_contain_text("It was placed later than 2001-01-01.")
    field.fill("2100-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_label("At that time")).to_contain_text("2100-01-01 is not over yet. As it is known here now:")


def test_one_file_after_another_is_written_without_reloading(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/export")
    for view in ("shops", "products"):
        page.get_by_label("View").select_option(view)
        with page.expect_download() as file:
            page.get_by_role("button", name="Write the file").click()
        assert file.value.suggested_filename.startswith(view)


def test_a_script_in_an_order_stays_text(page: Page, console: Console) -> None:
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto(f"{console.root}/orders/1688/{console.nasty_order}")
    expect(page.get_by_role("cell", name=SCRIPT)).to_be_visible()
    page.get_by_role("button", name="Show persons and payload").click()
    expect(page.get_by_text(SCRIPT.replace('"', '\\"')).last).to_be_visible()
    assert dialogs == []
    assert page.locator("main script, main img").count() == 0


def test_progress_goes_on_after_the_console_had_no_answer_for_it(page: Page, console: Console) -> None:
    account = console.world.accounts[1].name
    console.tables.execute("UPDATE sync.accounts SET paused_at = now(), paused_by = 'lin' WHERE name = %s", account)
    number = console.tables.query("SELECT sync.request_backfill(%s, '2026-01-01', '2026-01-02')", account)[0][0]
    page.route("**/events", lambda route: route.fulfill(status=503))
    page.goto(f"{console.root}/backfills/{number}")
    expect(page.locator("#progress.stale")).to_be_attached()
    page.unroute("**/events")
    console.tables.query("SELECT sync.cancel_backfill(%s)", number)
    console.tables.execute("UPDATE sync.accounts SET paused_at = NULL WHERE name = %s", account)
    expect(page.locator("#progress .sign")).to_have_text("cancelled")
    expect(page.get_by_text("Stop this backfill …")).to_have_count(0)


def test_an_expired_session_leads_to_the_log_in_and_back(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/activity")
    page.locator("select[name=account]").select_option(console.world.accounts[0].name)
    page.get_by_role("button", name="Show").click()
    there = page.url
    page.context.clear_cookies()
    page.reload()
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password or token").fill(console.token)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(there)


def test_a_page_that_stays_open_leads_to_the_log_in_when_its_session_has_ended(page: Page, console: Console) -> None:
    page.goto(console.root)
    expect(page.locator("#list")).to_be_visible()
    console.tables.execute("DELETE FROM sync.console_sessions")
    expect(page).to_have_url(re.compile("/login"))


def test_a_mistake_in_a_form_costs_nothing_that_was_typed(page: Page, console: Console) -> None:
    page.goto(f"{console.root}/accounts/{console.world.accounts[2].name}")
    page.get_by_text("Pause …").click()
    page.get_by_label("Reason").fill("stock-taking")
    page.get_by_label("Until").fill("2001-01-01T08:00")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_label("Until")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#mistake-until")).to_contain_text("lies in the past")
    expect(page.get_by_label("Reason")).to_have_value("stock-taking")
    expect(page).to_have_url(f"{console.root}/accounts/{console.world.accounts[2].name}")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text(console.world.accounts[2].name)


def test_a_form_sent_after_the_session_has_ended_comes_back_after_the_log_in_and_is_not_done(
    page: Page, console: Console
) -> None:
    name = console.world.accounts[2].name
    page.goto(f"{console.root}/accounts/{name}")
    page.get_by_text("Pause …").click()
    page.get_by_label("Reason").fill("stock-taking")
    console.tables.execute("DELETE FROM sync.console_sessions")
    expect(page.locator("#ended")).to_contain_text("What you have typed stays here.")
    expect(page.get_by_label("Reason")).to_have_value("stock-taking")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("what you sent was not done")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password or token").fill(console.token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("nothing was done")
    expect(page.get_by_label("Reason")).to_have_value("stock-taking")
    expect(page).to_have_url(f"{console.root}/accounts/{name}")
    assert console.tables.query("SELECT paused_at FROM sync.accounts WHERE name = %s", name) == [(None,)]


def test_the_focus_stays_where_it_is_while_a_page_renews_itself(page: Page, console: Console) -> None:
    page.goto(console.root)
    link = page.locator("#list a[href^='/accounts/']").first
    link.focus()
    address = link.get_attribute("href")
    page.evaluate("document.getElementById('list').dataset.old = '1'")
    expect(page.locator("#list:not([data-old])")).to_be_attached()
    assert page.evaluate("document.activeElement.getAttribute('href')") == address


def test_a_page_says_since_when_it_has_no_connection_until_it_has_one(page: Page, console: Console) -> None:
    page.goto(console.root)
    expect(page.locator("#offline")).to_be_hidden()
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#offline")).to_contain_text(re.compile(r"No connection since \d\d:\d\d:\d\d"))
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
