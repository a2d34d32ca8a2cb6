"""Every page in light and dark, wide and narrow, English and Chinese: readable by all, without an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import log_in
from tests.support.browsing import NAME, SLOW, WIDE, Console, Judged, problems, put_reject, size

ADDRESSES = {
    "overview": "/",
    "account": "/accounts/{account}",
    "account with an hour": "/accounts/{account}?hour={hour}",
    "orders": "/orders",
    "order": "/orders/1688/{order}",
    "order that is not here": "/orders?q=99999999",
    "backfills": "/backfills",
    "preview": "/backfills/new?account={account}&from={day}&everything=1",
    "backfill": "/backfills/{backfill}",
    "audits": "/audits",
    "audit": "/audits/{audit}",
    "rejects": "/rejects?reason=other",
    "reject": "/rejects/{reject}",
    "activity": "/activity",
    "export": "/export",
    "dictionary": "/dictionary?q=amount",
    "system": "/system",
    "me": "/me",
    "no such page": "/nothing",
}

pytestmark = pytest.mark.xdist_group("browser")  # one console and one browser for all files


@dataclass
class Reader:
    """A page of somebody who is logged in, and what the browser's console has complained of."""

    page: Page
    complaints: list[str]


@pytest.fixture(scope="module")
def values(console: Console) -> dict[str, object]:
    """The values in the addresses, of rows that are there."""
    account = console.world.accounts[0]
    terminal = console.terminal
    terminal.run(
        "backfill", "--account", account.name, "--from", f"{account.history_from:%Y-%m-%d}", "--yes"
    ).assert_well()
    terminal.run("audit", "--account", account.name).assert_well()
    put_reject(console)
    return {
        "account": account.name,
        "hour": f"{datetime.now(UTC) - timedelta(hours=5):%Y-%m-%dT%H}:00:00Z",
        "day": f"{account.history_from:%Y-%m-%d}",
        "order": console.nasty_order,
        "backfill": console.tables.query("SELECT max(coalesce(request_id, id)) FROM sync.backfills")[0][0],
        "audit": console.tables.query("SELECT max(id) FROM sync.audits")[0][0],
        "reject": console.tables.query("SELECT max(id) FROM sync.rejects")[0][0],
    }


@pytest.fixture(scope="module")
def judged() -> Judged:
    """What `problems` has judged, so that the next page and the second reader cost less."""
    return Judged()


@pytest.fixture(scope="module", params=["light, English", "dark, Chinese"])
def reader(browser: Browser, console: Console, values: object, request: pytest.FixtureRequest) -> Iterator[Reader]:
    is_light = request.param.startswith("light")
    with browser.new_context(
        viewport=size(WIDE), locale="en-US" if is_light else "zh-CN", color_scheme="light" if is_light else "dark"
    ) as context:
        context.set_default_timeout(SLOW)
        found = Reader(context.new_page(), [])
        log_in(found.page, console.root, NAME, console.token)
        found.page.on("console", lambda said: found.complaints.append(said.text) if said.type == "error" else None)
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        yield found


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_page_is_for_all_people_and_all_screens(
    reader: Reader, console: Console, values: dict[str, object], judged: Judged, address: str
) -> None:
    page = reader.page
    reader.complaints.clear()
    answer = page.goto(console.root + address.format(**values))
    expected = 404 if address == "/nothing" else 200
    assert answer is not None
    assert answer.status == expected
    assert [each for each in reader.complaints if expected == 200 or "404" not in each] == []
    assert problems(page, judged) == []


def test_the_log_in_is_for_all_people_and_all_screens(nobody: Page, console: Console) -> None:
    nobody.goto(f"{console.root}/login")
    assert problems(nobody) == []


def test_what_a_button_of_an_order_and_of_a_reject_opens_is_for_all_people_and_all_screens(
    page: Page, console: Console, values: dict[str, object]
) -> None:
    for address, button in {
        f"/orders/1688/{values['order']}": "Show persons and payload (recorded)",
        f"/rejects/{values['reject']}": "Show it (recorded)",
    }.items():
        page.goto(console.root + address)
        page.get_by_role("button", name=button).click()
        expect(page.locator("pre").first).to_be_visible()
        assert problems(page) == []


def test_every_kind_of_barrier_is_found_among_many_rows(nobody: Page) -> None:
    row = "<tr><td>one</td><td><a href='/{}'>{}</a></td></tr>"
    rows = [row.format(number, number) for number in range(20)]

    def found(*changed: str, style: str = "", after: str = "", judged: Judged | None = None) -> list[str]:
        table = f"<table><tr><th>no<th>order</tr>{''.join([*rows, *changed, *rows])}</table>{after}"
        nobody.set_content(
            f"<html lang=en><title>t</title><style>{style}</style><main tabindex=0><h1>title</h1>{table}</main></html>"
        )
        return problems(nobody, judged)

    judged = Judged()
    away = "<b style='position: absolute; left: -999px; color: #eee'>away</b>"
    assert found(style="td {color: #555} h1 {color: #888}", after=away, judged=judged) == []
    assert found(style="td {color: #ccc}", after=away, judged=judged)[0].startswith("color-contrast: <td>")
    assert len(judged.pages) == 1  # it was judged by its colours alone
    partly = "@media (max-width: 400px) {h1 {color: #ccc}} @media (min-width: 1200px) {th {color: #ccc}}"
    assert {each.split(">")[0] for each in found(style=partly)} == {"color-contrast: <h1", "color-contrast: <th"}
    pale, nameless = row.format(1, 1).replace("<td>", "<td style='color: #ccc'>", 1), row.format(1, "")
    between = "@media (max-width: 800px) and (min-width: 700px) {th {color: #ccc}}"
    narrow = "@media (max-width: 400px) {h1 {color: #ccc} label {display: none}}"
    only_wide = "img {display: none} @media (min-width: 1200px) {img {display: inline} i {color: #ccc}}"
    cut = "<div style='height: 40px; overflow: auto'><br><br><br><br></div>"
    shown = "<p style='width: 500px'>wide</p><img src='data:,'><i>pale</i><label for=f>label</label><input id=f>"
    # each as a text that was well or off the page, but for its ground, its letters or its place
    odd = "<p style='background: #77b'><a href=/dark>dark</a></p><p style='opacity: .3'><a href=/faint>faint</a></p>"
    odd += "<p><u style='color: #888'>small</u></p>" + away.replace("-999px", "0")
    after = cut + shown + odd
    several = found(pale, nameless, style=between + narrow + only_wide, after=after, judged=judged)
    pale_texts = ("td st", "th", "h1", "i>", 'a href="/dark"', 'a href="/faint"', "u st", "b st")
    pale_ones = [f"color-contrast: <{each}" for each in pale_texts]
    for expected in (*pale_ones, "link-name: <a", "image-alt: <img", "label: <input", "<div style", "<p style"):
        assert [each for each in several if each.startswith(expected)], expected
