"""The routes an orchestrator and Prometheus ask.

route      answers
/healthz   200, or 503 with the parts of the process that have been failing for long
/readyz    200 when the database answers and has this version's tables, else 503 and why
/metrics   Prometheus' text format; answers without the database, too
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orders_sync.service.liveness import Liveness
from orders_sync.service.metrics import CONTENT_TYPE, Metrics, of_components, of_liveness, of_tables
from orders_sync.store import schema, vitals
from orders_sync.store.database import Pool
from orders_sync.store.vitals import Vitals

READY_SECONDS = 1.0
LOOK_SECONDS = 1.5

Result = TypeVar("Result")
State = Callable[[], Mapping[str, str | None]]  # what has been failing for long, by part; None: it is well

_UNANSWERED = (psycopg.Error, PoolTimeout, TimeoutError)


def routes(
    pool: Pool,
    metrics: Metrics,
    state: State,
    accounts: Collection[str] | None = None,
    liveness: Liveness | None = None,
) -> list[Route]:
    """`accounts`: those whose gauges are read from the tables at each scrape; None: the process's own metrics alone.

    `pool`: one of its own, or workers that hold every connection look like a database that is down. What `state` says
    is shown to whoever asks: no secrets.
    """
    return [alive(state), ready(pool), told(pool, metrics, state, accounts, liveness or Liveness())]


def alive(state: State) -> Route:
    async def answer(_: Request) -> Response:
        failing = {name: trouble for name, trouble in state().items() if trouble is not None}
        return JSONResponse({"failing": failing}, 503 if failing else 200)

    return Route("/healthz", answer)


def ready(pool: Pool) -> Route:
    async def answer(_: Request) -> Response:
        trouble = await _in_the_way(pool)
        return JSONResponse({"ready": trouble is None, "because": trouble}, 200 if trouble is None else 503)

    return Route("/readyz", answer)


def told(pool: Pool, metrics: Metrics, state: State, accounts: Collection[str] | None, liveness: Liveness) -> Route:
    async def answer(_: Request) -> Response:
        gauges = [of_components(state()), of_liveness(liveness)]
        if accounts is not None:
            gauges.append(of_tables(await _look(pool, accounts)))
        return Response(metrics.exposition(*gauges), media_type=CONTENT_TYPE)

    return Route("/metrics", answer)


async def _in_the_way(pool: Pool) -> str | None:
    async def ask() -> str | None:
        async with pool.connection(timeout=READY_SECONDS) as connection:
            return await schema.revision_of(connection)

    try:
        found = await _within(READY_SECONDS, ask())
    except _UNANSWERED:
        return "the database does not answer"
    return schema.mismatch(found)


async def _look(pool: Pool, accounts: Collection[str]) -> Vitals | None:
    async def ask() -> Vitals:
        async with pool.connection(timeout=LOOK_SECONDS) as connection:
            return await vitals.look(connection, accounts)

    try:
        return await _within(LOOK_SECONDS, ask())
    except _UNANSWERED:
        return None


async def _within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Its result, or TimeoutError after so long: a connection to a server that hangs takes seconds to be called back,
    which is not waited for."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
