"""Changes on the platform reach the tables by messages alone: no sweep, no interval that is over."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orders_sync import settings
from orders_sync.engine import planner
from orders_sync.engine import sync as engine
from orders_sync.engine.run_context import RunContext
from orders_sync.sandbox import Faults, SandboxTransport, accounts_toml, shop_settings
from orders_sync.sandbox.messages import MessageSender
from orders_sync.service import hooks
from orders_sync.store.database import Pool
from tests.support.story import AHEAD, Story
from tests.support.worlds import an_hour_ago, world_of

XPORTCN = ("sandbox-open", "sandbox-ka")


@pytest.fixture
def story(pool: Pool, url: str) -> Story:
    return Story(pool, url, world_of(120, now=an_hour_ago(), samples=True), Faults())


async def come_by(story: Story) -> None:
    """Do what the service does with each account every few seconds."""
    sources = story.sources(*XPORTCN)
    for source in sources:
        async with story.pool.connection() as connection, connection.transaction():
            await planner.plan_due(connection, source)
    async with httpx.AsyncClient(transport=SandboxTransport(story.sandbox.app)) as http:
        await engine.drain_all(RunContext(story.pool, http, sources, story.limits, story.progress), sources)


def service(story: Story, tmp_path: Path) -> tuple[Starlette, set[str]]:
    """The route with the sandbox's own settings, and who was said to have messages."""
    file = tmp_path / "orders_sync.toml"
    file.write_text(accounts_toml(shop_settings(each, "http://sandbox") for each in story.world.accounts))
    announced: set[str] = set()

    async def stored(account: str) -> None:
        announced.add(account)

    return Starlette(routes=hooks.routes(story.pool, settings.load(file, {}).accounts, stored)), announced


async def test_whatever_happens_on_xportcn_is_in_the_tables_after_its_messages_P1(story: Story, tmp_path: Path) -> None:
    """Messages come in disorder, some twice, some of unlisted types. Old orders change, new ones are placed."""
    story.lag = timedelta(0)
    await story.sync(*XPORTCN)
    app, announced = service(story, tmp_path)
    messenger = MessageSender(story.world, "http://service")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        for _ in range(3):
            now = datetime.now(UTC)
            for name in (*XPORTCN, "sandbox-1688"):
                story.world.mutate(15, now, name)
                story.world.create(3, now, name)
            await messenger.deliver(http)
            await come_by(story)
    story.lag = AHEAD  # as if the service came by once more half a minute later
    await come_by(story)
    story.assert_equal(*XPORTCN)
    assert announced == set(XPORTCN)
    stored = story.query("SELECT count(*), count(handled_at), count(DISTINCT message_type) FROM sync.messages")[0]
    assert stored[0] == stored[1]
    assert sum(messenger.responses.values()) > int(str(stored[0])) > 90
    assert set(messenger.responses) == {200}
    assert int(str(stored[2])) >= 4
    assert story.query("SELECT DISTINCT kind FROM sync.windows WHERE kind NOT IN ('hook', 'incremental')") == []


async def test_the_sandbox_sends_messages_while_it_lives() -> None:
    """The sandbox posts to the URL of `--hooks`; a service that is not there stops nothing."""
    paths: Counter[str] = Counter()
    enough = asyncio.Event()

    async def take(request: Request) -> Response:
        paths[request.path_params["account"]] += 1
        if len(paths) == 2:
            enough.set()
        return Response()

    app = Starlette(routes=[Route(hooks.PATH, take, methods=["POST"])])
    world = world_of(90, now=an_hour_ago(), samples=True)
    messenger = MessageSender(world, "http://service", httpx.ASGITransport(app))
    messenger.start()
    world.step(datetime.now(UTC), 60)
    async with asyncio.timeout(300):
        await enough.wait()
    await messenger.stop()
    assert set(paths) == set(XPORTCN)
    lonely = MessageSender(world, "http://[")
    world.step(datetime.now(UTC), 20)
    async with httpx.AsyncClient() as http:
        await lonely.deliver(http)
    assert set(lonely.responses) == {0}
