"""A cable to the database that can be pulled out, or go dead without a word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psycopg


@dataclass
class Cable:
    url: str
    is_dead: bool = False
    wires: set[asyncio.Task[None]] = field(default_factory=set)
    is_cut: bool = False
    refusals: int = 0  # of the next connections: each is answered as by a server that is starting

    def cut(self) -> None:
        """End every connection, and each new one at once, until it is mended."""
        self.is_cut = True
        for wire in self.wires:
            wire.cancel()

    def mend(self) -> None:
        self.is_cut = False

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                if not self.is_dead:
                    target.write(data)
                    await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[Cable]:
    """`url`: of a server, by socket or by TCP. The cable's own goes through it."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    host, port = str(parts.get("host") or "localhost"), int(str(parts.get("port") or 5432))
    made = Cable("")

    async def plug(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if made.is_cut:
            writer.close()
            return
        if made.refusals:
            made.refusals -= 1
            await reader.read(1024)
            fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
            writer.write(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
            await writer.drain()
            writer.close()
            return
        if host.startswith("/"):
            there, back = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            there, back = await asyncio.open_connection(host, port)
        made.wires |= {asyncio.create_task(made.carry(reader, back)), asyncio.create_task(made.carry(there, writer))}

    server = await asyncio.start_server(plug, "127.0.0.1", 0)
    made.url = psycopg.conninfo.make_conninfo(
        url, host="127.0.0.1", port=str(server.sockets[0].getsockname()[1]), sslmode="disable", gssencmode="disable"
    )
    try:
        yield made
    finally:
        server.close()
        for wire in made.wires:
            wire.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*made.wires, return_exceptions=True)
