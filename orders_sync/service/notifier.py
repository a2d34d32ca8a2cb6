"""The task that sends people notices: every half minute, beside the scheduler, and never in its way.

    accounts, processes --verdict of `status`--> problems --engine/notices--> sync.outgoing_notices --channels--> people
    the database is away --kept in this process--> a notice from memory

Any number of processes may run it: one decides, and each notice is sent by one; an outage of the database, which
cannot be recorded there, each process sends a notice of its own. A channel that does not accept a
notice gets it again, after growing delays, for a day. A process that is killed while it sends may have sent a notice
that another one sends again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from orders_sync.domain.problems import AccountState, ProblemKind
from orders_sync.engine import notice_texts, notices, service_status
from orders_sync.engine.notice_texts import Notice
from orders_sync.engine.notices import FoundProblem
from orders_sync.engine.service_status import Verdict
from orders_sync.engine.tasks import check_cancelled
from orders_sync.service.channels import Channel
from orders_sync.service.log_throttle import LogThrottle
from orders_sync.service.metrics import Metrics
from orders_sync.service.queue import CONNECTION_ERRORS
from orders_sync.settings import Settings
from orders_sync.store import notices as stored
from orders_sync.store import overview
from orders_sync.store.database import Connection, Pool
from orders_sync.store.notices import KnownProblem
from orders_sync.store.queries import fetch_now

SECONDS = 30.0  # between two passes
FIRST_DELAY = timedelta(seconds=30)  # before a notice is sent again, doubled each time
LONGEST_DELAY = timedelta(minutes=15)

log = structlog.get_logger(__name__)


@dataclass
class _Waiting:
    """A notice that is kept in memory, because the database cannot keep it."""

    notice: Notice
    channels: list[Channel]
    made_at: datetime
    try_at: datetime
    tries: int = 0


@dataclass
class Notifier:
    """Sends the notices that the settings ask for.

    `is_database_failing`: tells whether the database is away or refuses to work. `is_schema_current`: is set
    while the tables are of this version. `now`: the clock of this process, for quiet hours and for what it remembers.
    """

    pool: Pool
    settings: Settings
    channels: Sequence[Channel]
    metrics: Metrics
    is_database_failing: Callable[[], bool]
    is_schema_current: asyncio.Event
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _throttle: LogThrottle = field(default_factory=LogThrottle)
    _database: list[KnownProblem] = field(default_factory=list)
    _waiting: list[_Waiting] = field(default_factory=list)

    async def run(self) -> None:
        """Send notices until cancelled. No error ends it."""
        for each in self.channels:
            self.metrics.add_channel(each.label)
        while True:
            await self.run_once()
            check_cancelled()
            await asyncio.sleep(SECONDS)

    async def run_once(self) -> None:
        """Decide and send what is due. An error is logged, and the next pass tries again."""
        is_failing = self.is_database_failing()
        try:
            if self.is_schema_current.is_set() and not is_failing:
                await self._decide()
                await self._send_stored()
        except CONNECTION_ERRORS as error:
            is_failing = True
            self._log_error("notices wait for the database", error)
        except Exception as error:  # a mistake of ours must not end the service
            self._log_error("notices cannot be made; the next pass tries again", error)
        try:
            self._decide_on_database(is_failing)
            await self._send_waiting()
        except Exception as error:
            self._log_error("a notice on the database cannot be sent; the next pass tries again", error)

    def _log_error(self, text: str, error: Exception) -> None:
        if (others := self._throttle.admit(text)) is not None:
            log.error(text, error=f"{type(error).__name__}: {error}", since_last=others)

    @property
    def _is_quiet(self) -> bool:
        hours = self.settings.notify.quiet_hours
        return hours is not None and hours.cover(self.now())

    def _write(self, decision: notices.NoticeDecision, ended: Sequence[stored.EndedBackfill], now: datetime) -> Notice:
        return notice_texts.write(decision.items, ended, self.settings.notify.language, now, self.settings.console.url)

    async def _decide(self) -> None:
        """Compare the verdict with what is known, and enqueue one notice of all that is due."""
        notify = self.settings.notify
        async with self.pool.connection() as connection, stored.deciding(connection) as may_decide:
            if not may_decide:
                return
            accounts = await overview.read_accounts(connection)
            processes = await overview.read_processes(connection)
            accounts = service_status.with_unread(self.settings, accounts, processes)
            verdict = service_status.assess_all(self.settings, accounts, processes)
            before = await stored.known(connection)
            now = await fetch_now(connection)
            decision = notices.decide_notices(
                before,
                notices.found(verdict, accounts, notify.kinds),
                now,
                notify.delay,
                is_quiet=self._is_quiet,
                unknown={key for key in map(_key, before) if notices.is_unknown(verdict, *key)},
                forgotten={key for key in map(_key, before) if self._is_forgotten(verdict, *key)},
            )
            await stored.remember(connection, before, decision.known)
            ended = await self._ended_backfills(connection)
            if decision.items or ended:
                notice = self._write(decision, ended, now)
                labels = [each.label for each in self.channels]
                await stored.enqueue(connection, notice.level, notice.title, notice.body, labels)

    async def _ended_backfills(self, connection: Connection) -> list[stored.EndedBackfill]:
        if ProblemKind.BACKFILL not in self.settings.notify.kinds or self._is_quiet:
            return []
        if ended := await stored.ended_backfills(connection):
            await stored.record_backfills(connection, [each.request for each in ended])
        return ended

    def _is_forgotten(self, verdict: Verdict, kind: ProblemKind, account: str) -> bool:
        """Tell whether the end of a problem makes no notice: its kind is not chosen, or its account is retired."""
        if kind not in self.settings.notify.kinds:
            return True
        return bool(account) and verdict.states.get(account, AccountState.RETIRED) is AccountState.RETIRED

    async def _send_stored(self) -> None:
        """Send every notice whose time has come. No transaction is open while a messenger is asked."""
        while not self._is_quiet:
            async with self.pool.connection() as connection:
                found = await stored.take(connection)
            if found is None:
                return
            by_label = {each.label: each for each in self.channels}
            chosen = [by_label[label] for label in found.channels if label in by_label]
            notice = Notice(notice_texts.level(found.level), found.title, found.body)
            refused, reason = await self._send(notice, chosen, is_last=found.is_last)
            async with self.pool.connection() as connection:
                labels = [each.label for each in refused]
                await stored.tried(connection, found, labels, reason, _delay(found.tries))

    async def _send(
        self, notice: Notice, channels: Sequence[Channel], *, is_last: bool
    ) -> tuple[list[Channel], str | None]:
        """Send to these channels at once. Return those that did not accept it, and why the last of them did not."""
        answers = await asyncio.gather(*(each.send(notice) for each in channels))
        refused, last = [], None
        for channel, reason in zip(channels, answers, strict=True):
            self.metrics.notice_sent(channel.label, is_accepted=reason is None)
            if reason is None:
                log.info("notice sent", channel=channel.label, title=notice.title)
                continue
            refused.append(channel)
            last = f"{channel.label}: {reason}"
            text = "a notice was not accepted for a day and is given up" if is_last else "a notice was not accepted"
            log.error(text, channel=channel.label, title=notice.title, error=reason)
        return refused, last

    def _decide_on_database(self, is_failing: bool) -> None:
        """Decide on a notice of an outage of the database; what is known of it is kept in memory."""
        if ProblemKind.DATABASE not in self.settings.notify.kinds:
            return
        now = self.now()
        problems = [FoundProblem(ProblemKind.DATABASE, "")] if is_failing else []
        decision = notices.decide_notices(
            self._database, problems, now, self.settings.notify.delay, is_quiet=self._is_quiet
        )
        self._database = decision.known
        if decision.items:
            self._waiting.append(_Waiting(self._write(decision, [], now), [*self.channels], now, now))

    async def _send_waiting(self) -> None:
        now = self.now()
        if self._is_quiet:
            return
        for each in [each for each in self._waiting if each.try_at <= now]:
            is_last = now - each.made_at > stored.GIVEN_UP
            each.channels, _ = await self._send(each.notice, each.channels, is_last=is_last)
            each.tries += 1
            each.try_at = now + _delay(each.tries)
            if not each.channels or is_last:
                self._waiting.remove(each)


def _key(known: KnownProblem) -> tuple[ProblemKind, str]:
    return known.kind, known.subject


def _delay(tries: int) -> timedelta:
    return min(FIRST_DELAY * (1 << min(tries - 1, 10)), LONGEST_DELAY)
