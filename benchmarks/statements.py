"""Statements that this process runs, with their times; and the plans of the slow ones."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from orders_sync.store import database


@dataclass
class Recorder:
    """The statements that were run, each with the parameters and milliseconds of its slowest run.

    `count` and `milliseconds`: of all runs together.
    """

    slowest: dict[str, tuple[Any, float]] = field(default_factory=dict)
    count: int = 0
    milliseconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, text: str, values: Any, milliseconds: float) -> None:
        """Record one run."""
        with self._lock:
            self.count += 1
            self.milliseconds += milliseconds
            if text not in self.slowest or self.slowest[text][1] < milliseconds:
                self.slowest[text] = (values, milliseconds)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.slowest, self.count, self.milliseconds = {}, 0, 0.0

    def copy(self) -> Recorder:
        """Return what was recorded so far."""
        return Recorder(dict(self.slowest), self.count, self.milliseconds)


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Record every statement of this process during the block, of connections of either kind."""
    recorder = Recorder()
    of_threads, of_tasks = psycopg.Cursor.execute, psycopg.AsyncCursor.execute

    def execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return of_threads(self, query, params, **options)
        finally:
            recorder.add(_text(query, self), params, (time.perf_counter() - began) * 1000)

    async def execute_async(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return await of_tasks(self, query, params, **options)
        finally:
            recorder.add(_text(query, self), params, (time.perf_counter() - began) * 1000)

    psycopg.Cursor.execute, psycopg.AsyncCursor.execute = execute, execute_async  # type: ignore[method-assign]
    try:
        yield recorder
    finally:
        psycopg.Cursor.execute, psycopg.AsyncCursor.execute = of_threads, of_tasks  # type: ignore[method-assign]


def _text(query: Any, cursor: Any) -> str:
    if isinstance(query, bytes):
        return query.decode()
    return query if isinstance(query, str) else str(query.as_string(cursor))


def plans(connection: database.Session, recorder: Recorder, title: str) -> list[str]:
    """Return each query that was recorded with its plan, the slowest first. Runs it again, and undoes what it did."""
    found = []
    for text, (values, milliseconds) in sorted(recorder.slowest.items(), key=lambda each: -each[1][1]):
        if text.lstrip().upper().startswith(("SELECT", "WITH")):
            with connection.transaction(force_rollback=True):
                rows = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS) {text}".encode(), values).fetchall()
            plan = "\n".join(str(line) for (line,) in rows)
            found.append(f"-- {title}: {milliseconds:.1f} ms at most\n{text.strip()}\n\n{plan}")
    return found
