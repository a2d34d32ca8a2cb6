"""Simulation of the three platform APIs, for trying the product without credentials and for the tests.

    world = World(orders=2000, now=now)                      orders and how they change
    sandbox = Sandbox(world, Faults({"http_5xx": 0.1}))      request checks, pages and faults in front of them
    httpx.AsyncClient(transport=SandboxTransport(sandbox.app))         in process
    serve(world, port=8688, ready=print)                               or as a server

Of the product it imports only `domain` and the platforms' statuses and settings models, so that signatures, requests
and records are checked against an independent implementation.
"""

from orders_sync.sandbox.accounts import accounts_toml, shop_settings
from orders_sync.sandbox.app import Sandbox
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.server import background, serve
from orders_sync.sandbox.shops import SandboxAccount
from orders_sync.sandbox.simulations import load_simulations
from orders_sync.sandbox.transport import SandboxTransport
from orders_sync.sandbox.world import World

__all__ = [
    "Faults",
    "Sandbox",
    "SandboxAccount",
    "SandboxTransport",
    "World",
    "accounts_toml",
    "background",
    "load_simulations",
    "serve",
    "shop_settings",
]
