"""HTTP routes for orchestrators and Prometheus.

route      answers
/healthz   200, or 503 with the components of the process that have been failing for long
/readyz    200 when the database answers and has this version's tables, else 503 and why; with the problems of the
           service's processes, as `status` has them, which no other process is taken out of service for
/metrics   Prometheus' text format; answers without the database, too
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orders_sync.engine import service_status
from orders_sync.service.liveness import Liveness
from orders_sync.service.metrics import (
    CONTENT_TYPE,
    Metrics,
    component_metrics,
    liveness_metrics,
    settings_metrics,
    table_metrics,
)
from orders_sync.store import overview, schema, service_metrics
from orders_sync.store.database import Pool
from orders_sync.store.database_errors import no_answer
from orders_sync.store.service_metrics import ServiceMetrics

READY_SECONDS = 1.0
METRICS_SECONDS = 1.5

Result = TypeVar("Result")
ComponentStates = Callable[[], Mapping[str, str | None]]  # by component: what has been failing for long; None: healthy

_UNAVAILABLE = (psycopg.Error, PoolTimeout, TimeoutError)


def routes(
    pool: Pool,
    metrics: Metrics,
    state: ComponentStates,
    accounts: Collection[str] | None = None,
    liveness: Liveness | None = None,
    misconfigured: Collection[str] = (),
    own_id: str = "",
) -> list[Route]:
    """Return the three routes.

    `accounts`: those whose gauges are read from the tables at each scrape; None: only the metrics of the process.
    `misconfigured`: those this process cannot read for a mistake in the settings.
    `own_id`: of this process in `sync.processes`.
    `pool`: not shared, else workers that hold every connection look like a database that is down. `state` is shown to
    everyone: no secrets.
    """
    return [
        liveness_route(state),
        readiness_route(pool, own_id),
        metrics_route(pool, metrics, state, accounts, liveness or Liveness(), misconfigured),
    ]


def liveness_route(state: ComponentStates) -> Route:
    """Return the route /healthz."""

    async def answer(_: Request) -> Response:
        failing = {name: reason for name, reason in state().items() if reason is not None}
        return JSONResponse({"failing": failing}, 503 if failing else 200)

    return Route("/healthz", answer)


def readiness_route(pool: Pool, own_id: str = "") -> Route:
    """Return the route /readyz. The process `own_id` answers, so it is alive, whenever it reported last."""

    async def answer(_: Request) -> Response:
        reason, problems = await _readiness(pool, own_id)
        body = {"ready": reason is None, "because": reason, "problems": problems}
        return JSONResponse(body, 200 if reason is None else 503)

    return Route("/readyz", answer)


def metrics_route(
    pool: Pool,
    metrics: Metrics,
    state: ComponentStates,
    accounts: Collection[str] | None,
    liveness: Liveness,
    misconfigured: Collection[str] = (),
) -> Route:
    """Return the route /metrics."""

    async def answer(_: Request) -> Response:
        gauges = [component_metrics(state()), liveness_metrics(liveness), settings_metrics(misconfigured)]
        if accounts is not None:
            gauges.append(table_metrics(await _read_tables(pool, accounts)))
        return Response(metrics.exposition(*gauges), media_type=CONTENT_TYPE)

    return Route("/metrics", answer)


async def _readiness(pool: Pool, own_id: str) -> tuple[str | None, list[str]]:
    """Return why this process cannot work, None if it can; and what is wrong with the processes of the service."""

    async def ask() -> tuple[str | None, list[str]]:
        async with pool.connection(timeout=READY_SECONDS) as connection:
            if reason := schema.mismatch(await schema.revision_of(connection)):
                return reason, []
            processes = await overview.read_processes(connection)
            seen = [replace(each, is_alive=each.is_alive or each.id == own_id) for each in processes]
            found = service_status.process_problems(seen)
            return None, [f"{each.severity}: {each.text}" for each in found]

    try:
        return await _within(READY_SECONDS, ask())
    except _UNAVAILABLE as error:
        return await _why_unavailable(pool, error), []


async def _why_unavailable(pool: Pool, error: Exception) -> str:
    """Return why the pool has no connection: it knows only that time is up, so one more connection asks the server."""

    async def connect() -> None:
        await (await psycopg.AsyncConnection.connect(str(pool.conninfo))).close()

    try:
        await _within(READY_SECONDS, connect())
    except _UNAVAILABLE as reason:
        return no_answer(reason)
    return no_answer(error)


async def _read_tables(pool: Pool, accounts: Collection[str]) -> ServiceMetrics | None:
    async def ask() -> ServiceMetrics:
        async with pool.connection(timeout=METRICS_SECONDS) as connection:
            return await service_metrics.read(connection, accounts)

    try:
        return await _within(METRICS_SECONDS, ask())
    except _UNAVAILABLE:
        return None


async def _within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of `work`. Raises TimeoutError after `seconds`, without waiting for the cancellation."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
