"""One shop: how fresh it is, which hours are complete, what was read, and what a person can do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from orders_sync.console import activity_words, charts, fields, shop_words, window_words
from orders_sync.console.pages import action, page
from orders_sync.console.pages.overview import rate_keys
from orders_sync.console.visit import Visit
from orders_sync.domain import local_times, typed_times
from orders_sync.domain.assumptions import ASSUMPTIONS
from orders_sync.domain.errors import NotFoundError, UsageError
from orders_sync.domain.windows import Window, WindowKind
from orders_sync.engine import account_list, service_status
from orders_sync.engine.account_list import UNREAD, AccountRow
from orders_sync.engine.actions import accounts as actions
from orders_sync.engine.actions import audits as audit_actions
from orders_sync.engine.actions import windows as window_actions
from orders_sync.engine.service_status import ChangePolicy
from orders_sync.platforms import PLATFORMS
from orders_sync.store import activity, audit_reports, overview, progress, requests
from orders_sync.store.console import account as store
from orders_sync.store.console import capped, freshness, heat_map, order_list, windows
from orders_sync.store.console import overview as figures
from orders_sync.store.console.freshness import Delay
from orders_sync.store.console.heat_map import HeatMap
from orders_sync.store.console.order_list import OrderFilter
from orders_sync.store.console.windows import WindowRow
from orders_sync.store.database import Connection
from orders_sync.store.pauses import Pause
from orders_sync.store.rate_limits import seconds_to_wait

DAYS = 14  # of the heat map
EARLIEST = date(2000, 1, 1)
MOST_AUDITS = 5
MOST_MESSAGES = 20
MOST_ACTIONS = 10
SWEEPS = (WindowKind.SWEEP, WindowKind.CONFIRM)
MOST_SWEEPS = 10
NOW = "now"  # the part of the page that is renewed every few seconds


async def show(visit: Visit) -> Response:
    """Show a shop.

    In the URL: `until`, the last day of the heat map; `feed`, its list; `hour`, whose windows are shown; `messages`,
    the number of the message before this page of them.
    """
    name = visit.request.path_params["name"]
    async with visit.reading() as connection:
        now = await _now(visit, connection, name)
        if visit.request.headers.get("x-part") == NOW:
            return visit.render("account_now.html", **now)
        details = await _details(visit, connection, now["row"], now["at"])
    return visit.render("account.html", **now, **details)


async def _now(visit: Visit, connection: Connection, name: str) -> dict[str, Any]:
    """Return the state, the figures and the freshness of a shop. Raises `NotFoundError`."""
    settings = visit.site.settings
    processes = await overview.read_processes(connection)
    accounts = service_status.with_unread(settings, await overview.read_account(connection, name), processes)
    verdict = service_status.assess_all(settings, accounts, processes)
    chosen = [each for each in accounts if each.name == name]
    if not chosen:
        raise NotFoundError(visit._("There is no shop %(name)s.", name=name))
    at = chosen[0].now or datetime.now(UTC)
    [row] = account_list.ranked(chosen, verdict)
    policy = next((settings.policy(each) for each in settings.accounts if each.name == name), None)
    key = rate_keys(settings, [name]).get(name)
    delays = await freshness.delays(connection, name, at)
    begins = progress.complete_from(row.account.progress)
    return {
        "row": row,
        "at": at,
        "policy": policy,
        "default_policy": settings.sync,
        "wait": (await seconds_to_wait(connection, [key])).get(key, 0.0) if key else 0.0,
        "found": (await figures.figures(connection, [name], at))[name],
        "open_requests": await requests.not_ended(connection, [name]),
        "signs": shop_words.SIGNS,
        "kinds": shop_words.KINDS,
        "cap": capped.MOST_COUNTED,
        "sparkline": charts.sparkline,
        "remarks": progress.remarks(row.account.progress),
        "first": local_times.shown(begins) if begins else "",
        "ends": local_times.shown(row.account.read_to) if row.account.read_to else "",
        **_freshness(visit, delays, policy or settings.sync, at),
    }


def _freshness(visit: Visit, delays: Sequence[Delay], policy: ChangePolicy, at: datetime) -> dict[str, Any]:
    """Return the sawtooth, and the same in words."""
    _, span = visit._, visit.words.span
    promise, late = policy.interval + policy.lag, service_status.allowed_delay(policy)
    said = [_("Promised: at most %(promise)s old; late from %(late)s on.", promise=span(promise), late=span(late))]
    if not delays:
        return {"chart": "", "said": said}
    since = delays[0].at
    peaks = [(each.before, each.at) for each in delays if each.before is not None]
    if peaks:
        worst, moment = max(peaks)
        said.append(
            _(
                "Oldest since %(since)s: %(span)s, at %(time)s.",
                since=local_times.shown(since),
                span=span(worst),
                time=local_times.shown(moment),
            )
        )
        times = sum(value > late.total_seconds() for value, _at in peaks)
        said.append(
            _("How often it was late in that time: %(count)s.", count=times) if times else _("Never late in that time.")
        )
    most = span(max((value for value, _at in peaks), default=0.0))
    chart = charts.sawtooth(delays, promise.total_seconds(), since, at, " ".join(said))
    return {"chart": chart, "said": said, "since": since, "most": most, "promise": span(promise)}


async def _details(visit: Visit, connection: Connection, row: AccountRow, at: datetime) -> dict[str, Any]:
    """Return the hours, the windows, and what else is known of a shop."""
    name, settings = row.account.name, visit.site.settings
    policy = next((settings.policy(each) for each in settings.accounts if each.name == name), None)
    due = at - service_status.allowed_delay(policy or settings.sync)
    longest = max(heat_map.LONGEST, policy.longest_window if policy else timedelta())
    platform = PLATFORMS.get(row.account.platform)
    feeds = sorted(platform.feeds) if platform else []
    feed = next((each for each in feeds if each.value == visit.query.get("feed")), None)
    last = min(_day(visit.query.get("until", "")) or local_times.date_of(at), local_times.date_of(at))
    days = [last - timedelta(days=back) for back in range(DAYS)]
    hours = await heat_map.heat_map(connection, name, days[::-1], due, feed, longest)
    observed = await store.observed(connection, name)
    hour = _hour(visit.query.get("hour", ""))
    touching: list[WindowRow] = []
    placed_then = await order_list.count(connection, OrderFilter(name, hour.start, hour.end)) if hour else None
    if hour and hours:
        touching = await windows.touching(connection, name, hour, hours.feed, longest=longest)
    messages = await store.messages(connection, name, _number(visit.query.get("messages")), MOST_MESSAGES + 1)
    page_size = min(filter(None, (observed.page_size, policy.page_size if policy else None)), default=None)
    return {
        "map": hours,
        "picture": _picture(visit, hours) if hours else "",
        "counts": Counter(cell.state for cell in hours.cells) if hours else {},
        "earlier": days[-1] - timedelta(days=1),
        "later": last + timedelta(days=DAYS) if last < local_times.date_of(at) else None,
        "feeds": feeds,
        "hour": hour,
        "placed_then": placed_then,
        "touching": touching,
        "pages": lambda window: _pages(window, page_size),
        "failed": await windows.failed(connection, name),
        "totals": await windows.by_kind(connection, name),
        "sweeps": await windows.latest(connection, name, SWEEPS, MOST_SWEEPS),
        "audits": await audit_reports.listed(connection, name, MOST_AUDITS),
        "messages": messages[:MOST_MESSAGES],
        "older_messages": messages[MOST_MESSAGES - 1].id if len(messages) > MOST_MESSAGES else None,
        "observed": observed,
        "assumptions": ASSUMPTIONS,
        "actions": await activity.listed(connection, account=name, limit=MOST_ACTIONS),
        "is_read": row.state not in UNREAD,
        "pausing": _as_paused(row.account.pause),
        "in_settings": any(each.name == name and each.identity for each in settings.listed),
        "ww": window_words,
        "said_of_actions": activity_words,
        "charts": charts,
        "iso": local_times.iso,
    }


def _as_paused(pause: Pause | None) -> dict[str, str]:
    """Return a pause as the form that changes it has it."""
    if pause is None:
        return {}
    until = local_times.shown(pause.paused_until)[:16].replace(" ", "T") if pause.paused_until else ""
    return {"because": pause.paused_because or "", "until": until}


def _picture(visit: Visit, hours: HeatMap) -> Markup:
    """Return the hours as a picture, the newest day on top; each leads to its windows."""
    words = {state: visit._(word) for state, word in window_words.CELLS.items()}
    return charts.heat_map(
        sorted(hours.cells, key=lambda cell: -cell.day.toordinal()),
        visit._("Hours"),
        link=lambda cell: visit.url_here(hour=local_times.iso(cell.starts_at)) + "#hour",
        words=words,
    )


def _pages(window: WindowRow, page_size: int | None) -> int | None:
    """Return how many pages the platform's list of a window has; None where it is not known."""
    return None if window.total is None or not page_size else max(ceil(window.total / page_size), 1)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return max(found, EARLIEST)


def _hour(text: str) -> Window | None:
    """Return the hour, as clocks show it, that begins at a moment of the URL; None for another text."""
    try:
        start = typed_times.parse(text)
        found = [each for each in local_times.hours_of(local_times.date_of(start)) if each[1] == start]
    except (ValueError, OverflowError):
        return None
    return Window(found[0][1], found[0][2]) if found else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) <= 18 else None


async def pause(visit: Visit) -> Response:
    """Pause the shop, with a reason and until a time."""
    name = visit.request.path_params["name"]
    because = visit.form.get("because", "").strip()[:500] or None
    async with visit.acting() as connection:
        listed = visit.site.settings.listed
        until = fields.moment(visit.form, visit.words, "until")
        await actions.pause(connection, visit.actor, listed, name, because, until)
    return visit.go(f"/accounts/{name}", visit._("The shop is paused. What is being read just now is read to its end."))


async def resume(visit: Visit) -> Response:
    """End a pause or a suspension."""
    name = visit.request.path_params["name"]
    async with visit.acting() as connection:
        await actions.resume(connection, visit.actor, name)
    return visit.go_back(f"/accounts/{name}", visit._("%(name)s is read again.", name=name))


async def sync(visit: Visit) -> Response:
    """Have the shop read at once."""
    name = visit.request.path_params["name"]
    async with visit.acting() as connection:
        await actions.sync_now(connection, visit.actor, name)
    return visit.go(f"/accounts/{name}", visit._("The running service reads the shop now."))


async def audit(visit: Visit) -> Response:
    """Have the shop audited at once."""
    name = visit.request.path_params["name"]
    async with visit.acting() as connection:
        await audit_actions.request(connection, visit.actor, name)
    return visit.go(f"/accounts/{name}", visit._("A worker of the running service begins the audit."))


async def retry(visit: Visit) -> Response:
    """Have failed windows read again at once: one, or all of the shop."""
    name = visit.request.path_params["name"]
    number = _number(visit.form.get("window"))
    if number is None and visit.form.get("window") != "all":
        raise UsageError(visit._("Which window? Reload the page and choose again."))
    async with visit.acting() as connection:
        count = await window_actions.retry(connection, visit.actor, name, None if number is None else [number])
    return visit.go(f"/accounts/{name}", visit._("Parts that are read again at once: %(count)s.", count=count))


PAGES = [
    page("/accounts/{name}", show),
    action("/accounts/{name}/pause", pause, form="/accounts/{name}"),
    action("/accounts/{name}/resume", resume, form="/accounts/{name}"),
    action("/accounts/{name}/sync", sync, form="/accounts/{name}"),
    action("/accounts/{name}/audit", audit, form="/accounts/{name}"),
    action("/accounts/{name}/retry", retry, form="/accounts/{name}"),
]
