"""The overview: one sentence over all shops, what needs somebody, then every shop with trouble on top."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from starlette.responses import Response

from orders_sync.console import charts, shop_words
from orders_sync.console.pages import page
from orders_sync.console.visit import Visit
from orders_sync.console.words import Words
from orders_sync.domain import local_times
from orders_sync.domain.errors import SettingsError
from orders_sync.domain.problems import ProblemKind
from orders_sync.engine import account_list, service_status
from orders_sync.engine.account_list import Row, Sum
from orders_sync.engine.service_problems import Severity, State
from orders_sync.engine.service_status import Verdict
from orders_sync.settings import Settings
from orders_sync.store import overview
from orders_sync.store.console import capped
from orders_sync.store.console import overview as figures
from orders_sync.store.rate_limits import waits

MOST_CARDS = 11
NOW = "now"  # the part of the page above the list, which is renewed without it
TROUBLE = "trouble"  # as a state in the URL: any problem
_SEVERITIES = (Severity.BROKEN, Severity.ATTENTION)

E = TypeVar("E", bound=StrEnum)


async def show(visit: Visit) -> Response:
    """Show the overview. In the URL: `q`, a search; `state`; `kind` of problem; `after`, the shop before this page."""
    settings = visit.site.settings
    async with visit.reading() as connection:
        known = await overview.read_accounts(connection)
        processes = await overview.read_processes(connection)
        accounts = service_status.with_unread(settings, known, processes)
        verdict = service_status.assess_all(settings, accounts, processes)
        now = next((each.now for each in accounts if each.now), datetime.now(UTC))
        rows = account_list.ranked(accounts, verdict)
        shown = _page(visit, rows)
        if visit.request.headers.get("x-part") == NOW:
            shown = replace(shown, rows=[])
        names = [each.account.name for each in shown.rows]
        keys = rate_keys(settings, names)
        found = await figures.figures(connection, names, now)
        waiting = await waits(connection, list(set(keys.values())))
    total = account_list.total(rows)
    return visit.render(
        "overview.html",
        sentence=_sentence(visit, total, verdict, now),
        groups=shop_words.groups(verdict.problems),
        notes=verdict.notes,
        chips=_chips(visit, total),
        page=shown,
        figures=found,
        paces={each.name: settings.policy(each) for each in settings.accounts if each.name in names},
        default_pace=settings.sync,
        waits={name: waiting.get(key, 0.0) for name, key in keys.items()},
        signs=shop_words.SIGNS,
        sparkline=charts.sparkline,
        cap=capped.MOST_COUNTED,
        cards=total.accounts <= MOST_CARDS,
        is_narrowed=any(visit.query.get(name) for name in ("q", "state", "kind")),
    )


def _page(visit: Visit, rows: list[Row]) -> account_list.Page:
    state = visit.query.get("state", "")
    return account_list.page(
        rows,
        text=visit.query.get("q", "")[:200],
        states=_known(State, state),
        severities=_SEVERITIES if state == TROUBLE else (),
        kinds=_known(ProblemKind, visit.query.get("kind", "")),
        after=visit.query.get("after"),
    )


def _known(values: type[E], text: str) -> list[E]:
    """Return the value that a text of the URL means; an unknown one narrows nothing."""
    return [each for each in values if each.value == text]


def _sentence(visit: Visit, total: Sum, verdict: Verdict, now: datetime) -> list[str]:
    """Return the verdict in one or two sentences."""
    _, words = visit._, visit.words
    if not total.accounts:
        return [_("No shop is set up yet: an administrator adds one to the settings (orders-sync config example).")]
    bad = total.broken + total.attention
    if total.read_to is None:
        here = _("Not every shop has been read yet.")
    else:
        here = _("What is read is here up to %(time)s, %(span)s ago.", **_moment(words, total.read_to, now))
    if bad:
        names = ", ".join(total.worst)
        if more := bad - len(total.worst):
            names = _("%(names)s and %(count)s more", names=names, count=more)
        need = _("%(bad)s of %(all)s shops need somebody: %(names)s.", bad=bad, all=total.accounts, names=names)
        return [need, here]
    if verdict.problems:
        return [_("No shop has trouble, but the service itself does."), here]
    if total.read_to is not None and not total.states.keys() - {State.CURRENT, State.RETIRED}:
        return [
            _(
                "All is here: the orders of all %(all)s shops up to %(time)s, %(span)s ago.",
                all=total.accounts,
                **_moment(words, total.read_to, now),
            )
        ]
    counted = ", ".join(f"{_(state.value)}: {count}" for state, count in total.states.items())
    return [_("No trouble in %(all)s shops (%(states)s).", all=total.accounts, states=counted), here]


def _moment(words: Words, moment: datetime, now: datetime) -> dict[str, str]:
    return {"time": local_times.shown(moment), "span": words.span(now - moment)}


def _chips(visit: Visit, total: Sum) -> list[tuple[str, str, int, bool]]:
    """Return the filters by state: URL, word, number of shops, whether it is chosen."""
    chosen = visit.query.get("state", "")
    counts = [("", visit._("all"), total.accounts), (TROUBLE, visit._("trouble"), total.broken + total.attention)]
    counts += [(state.value, visit._(state.value), total.states[state]) for state in State if total.states.get(state)]
    return [
        (visit.url_here(state=value or None, after=None, kind=None), word, count, value == chosen)
        for value, word, count in counts
    ]


def rate_keys(settings: Settings, names: list[str]) -> dict[str, str]:
    """Return the key of the rate limit of each of these accounts whose credentials this process has."""
    keys = {}
    for each in settings.accounts:
        if each.name in names:
            with suppress(SettingsError):
                keys[each.name] = each.account().rate_key
    return keys


PAGES = [page("/", show)]
