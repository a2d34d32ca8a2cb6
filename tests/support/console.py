"""The console served over real HTTP, and people who are logged in to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from orders_sync.console import app, passwords
from orders_sync.console.site import Site
from orders_sync.engine.sources import AccountSource
from orders_sync.platforms import PLATFORMS
from orders_sync.service.web import Server, listening_socket
from orders_sync.settings import Settings, load
from orders_sync.store import console_access, database


@dataclass
class Served:
    """A console that listens at `root`."""

    site: Site
    root: str

    @property
    def origin(self) -> dict[str, str]:
        """The header by which a browser says that a form is one of this console's pages."""
        return {"Origin": self.root}

    async def add(self, name: str, *, may_act: bool = False, may_see_personal_data: bool = False) -> str:
        """Add a person; return the token."""
        token = passwords.new_token()
        async with self.site.pool.connection() as connection:
            await console_access.put(
                connection, name, passwords.hashed(token), may_act=may_act, may_see_personal_data=may_see_personal_data
            )
        return token

    @asynccontextmanager
    async def person(
        self, name: str = "lin", *, may_act: bool = True, may_see_personal_data: bool = True, language: str = "en"
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A browser, without scripts, of somebody who has just logged in."""
        token = await self.add(name, may_act=may_act, may_see_personal_data=may_see_personal_data)
        async with self.nobody(language) as client:
            answer = await client.post("/login", data={"name": name, "password": token})
            assert answer.status_code == 303, answer.text
            yield client

    @asynccontextmanager
    async def nobody(self, language: str = "en") -> AsyncIterator[httpx.AsyncClient]:
        """A browser of somebody who is not logged in."""
        headers = {**self.origin, "Accept-Language": language}
        async with httpx.AsyncClient(base_url=self.root, headers=headers, trust_env=False) as client:
            yield client


@asynccontextmanager
async def served(
    url: str, settings: Settings | None = None, sources: Sequence[AccountSource] = ()
) -> AsyncIterator[Served]:
    """Serve the console of a database during the block."""
    listening = listening_socket("127.0.0.1:0")
    async with database.open_pool(url, 4, 5.0, name="orders-sync-console") as pool:
        await pool.wait()  # else the first request has a second connection made
        site = Site(url, settings or Settings(), pool, sources=sources)
        server = Server(app.make(site), proxy_headers=False)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield Served(site, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            await serving
            site.close()


def settings_of(*names: str) -> Settings:
    """Settings with these accounts of 1688."""
    own = {"platform": "1688", "app_secret": "secret", "history_from": "2026-01-01", "base_url": "http://127.0.0.1:9"}
    accounts = [{**own, "name": name, "seller_nick": name, "app_id": f"app-{name}"} for name in names]
    return load(None, {"ORDERS_SYNC_ACCOUNTS": json.dumps(accounts)})


def sources_of(settings: Settings) -> list[AccountSource]:
    """What the accounts of settings are read by."""
    return [
        AccountSource(each.account(), settings.policy(each), PLATFORMS[each.platform]) for each in settings.accounts
    ]
