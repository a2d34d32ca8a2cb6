"""The overview: one sentence over all shops, what needs somebody, then every shop, the worst first."""

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
from orders_sync.domain.problems import AccountState, ProblemKind, Severity
from orders_sync.domain.sentences import Sentence
from orders_sync.engine import account_list, service_status
from orders_sync.engine.account_list import AccountRow, Sum
from orders_sync.engine.service_status import Verdict
from orders_sync.settings import Settings
from orders_sync.store import overview, progress
from orders_sync.store.console import capped
from orders_sync.store.console import overview as figures
from orders_sync.store.rate_limits import seconds_to_wait

MOST_CARDS = 11
MOST_ENDS = 3  # shops that nobody reads, each in a sentence of its own
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
        waiting = await seconds_to_wait(connection, list(set(keys.values())))
    total = account_list.total(rows)
    return visit.render(
        "overview.html",
        sentence=_sentence(visit, total, verdict, now),
        rejects=total.rejects,
        lacking=total.audit_missing,
        open_audits=total.open_audits,
        audit_of={each.name: each.open_audit for each in accounts},
        groups=shop_words.groups(verdict.problems),
        limits=_limits(rows),
        complete_from=progress.complete_from,
        late_from=service_status.allowed_delay,
        chips=_chips(visit, total),
        page=shown,
        figures=found,
        policies={each.name: settings.policy(each) for each in settings.accounts if each.name in names},
        default_policy=settings.sync,
        waits={name: waiting.get(key, 0.0) for name, key in keys.items()},
        signs=shop_words.SIGNS,
        sparkline=charts.sparkline,
        cap=capped.MOST_COUNTED,
        cards=total.accounts <= MOST_CARDS,
        is_narrowed=any(visit.query.get(name) for name in ("q", "state", "kind")),
    )


def _limits(rows: list[AccountRow]) -> list[tuple[str, Sentence]]:
    """Return by shop what of its history is not read or not proven, such as what its platform does not list."""
    return [
        (row.account.name, said) for row in rows if row.is_wanted for said in progress.remarks(row.account.progress)
    ]


def _page(visit: Visit, rows: list[AccountRow]) -> account_list.AccountPage:
    state = visit.query.get("state", "")
    states = _known(AccountState, state)
    return account_list.page(
        rows,
        text=visit.query.get("q", "")[:200],
        states=states,
        severities=_SEVERITIES if state == TROUBLE else (None,) if states else (),
        kinds=_known(ProblemKind, visit.query.get("kind", "")),
        after=visit.query.get("after"),
    )


def _known(values: type[E], text: str) -> list[E]:
    """Return the value that a text of the URL means; an unknown one narrows nothing."""
    return [each for each in values if each.value == text]


def _sentence(visit: Visit, total: Sum, verdict: Verdict, now: datetime) -> list[str]:
    """Return the verdict in a few sentences: who needs somebody, whose orders end, what is here from when to when."""
    _, words = visit._, visit.words
    if not total.accounts:
        return [_("No shop is set up yet: an administrator adds one to the settings (orders-sync config example).")]
    said = []
    bad = total.broken + total.attention
    if bad:
        names = words.series(total.worst)
        if more := bad - len(total.worst):
            names = _("%(names)s and %(count)s more", names=names, count=more)
        need = _("%(bad)s of %(all)s shops need somebody: %(names)s.", bad=bad, all=total.accounts, names=names)
        needs = _("1 of %(all)s shops needs somebody: %(names)s.", all=total.accounts, names=names)
        said.append(needs if bad == 1 else need)
    elif verdict.problems:
        said.append(_("No shop has trouble, but the service itself does."))
    said += [_end(words, row, now) for row in total.unread[:MOST_ENDS]]
    if others := total.unread[MOST_ENDS:]:
        text = _("%(count)s more shops are not being read.", count=len(others))
        said.append(_with_rejects(words, text, sum(row.account.rejects for row in others)))
    if not total.reading:
        return said
    if total.read_to is None or total.complete_from is None:
        return [*said, _("Not every shop has been read yet.")]
    span = words.span(now - total.read_to)
    range_ = {"first": _first(total.complete_from), "time": local_times.shown(total.read_to), "span": span}
    if said:
        text = _("Shops that are read: %(count)s. Their orders are here from %(first)s up to %(time)s, %(span)s ago.")
        said.append(text % {"count": total.reading, **range_})
    elif AccountState.CATCHING_UP in total.states:
        said.append(_("Orders are here from %(first)s up to %(time)s, %(span)s ago; older ones follow.", **range_))
    else:
        text = _("All is here: the orders of all %(all)s shops from %(first)s up to %(time)s, %(span)s ago.")
        said.append(text % {"all": total.reading, **range_})
    return said


def _end(words: Words, row: AccountRow, now: datetime) -> str:
    """Say where the orders of a shop end that nobody reads."""
    name, state, end = row.account.name, words(row.state.value), row.account.read_to
    if end is None:
        text = words("%(name)s (%(state)s): nothing of it has been read.", name=name, state=state)
        return _with_rejects(words, text, row.account.rejects)
    text = words(
        "%(name)s (%(state)s): its orders end at %(time)s, %(span)s ago.",
        name=name,
        state=state,
        time=local_times.shown(end),
        span=words.span(now - end),
    )
    return _with_rejects(words, text, row.account.rejects)


def _with_rejects(words: Words, text: str, rejects: int) -> str:
    """Return a sentence, and behind it how many records are no orders yet, if there are any."""
    return text + words.space + words.sentence(shop_words.exception(rejects)) if rejects else text


def _first(moment: datetime) -> str:
    """Write the time from which on orders are complete: a day where it begins with it."""
    day = local_times.date_of(moment)
    return day.isoformat() if local_times.start_of(day) == moment else local_times.shown(moment)


def _chips(visit: Visit, total: Sum) -> list[tuple[str, str, int, bool]]:
    """Return the filters by state: URL, word, number of shops, whether it is chosen.

    A shop with trouble counts as that and in no state, so that the filters add up to all shops.
    """
    chosen = visit.query.get("state", "")
    counts = [("", visit._("all"), total.accounts), (TROUBLE, visit._("trouble"), total.broken + total.attention)]
    counts += [
        (state.value, visit._(state.value), total.well.get(state, 0))
        for state in AccountState
        if total.well.get(state) or state.value == chosen
    ]
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
