"""The three platforms, simulated: for trying the product without credentials and for the tests.

    world = World(orders=2000, now=now)                      orders and their lives
    sandbox = Sandbox(world, Faults({"http_5xx": 0.1}))      in front of them: gates, pages, faults
    httpx.AsyncClient(transport=SandboxTransport(sandbox.app))         in process
    serve(world, port=8688, ready=print)                               or as a server

It imports nothing of the product but `domain`: what the client signs and reads is checked against a second hand.
"""

from orders_sync.sandbox.app import Sandbox
from orders_sync.sandbox.control import accounts_toml
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.server import background, serve
from orders_sync.sandbox.shops import SandboxAccount
from orders_sync.sandbox.transport import SandboxTransport
from orders_sync.sandbox.world import World

__all__ = ["Faults", "Sandbox", "SandboxAccount", "SandboxTransport", "World", "accounts_toml", "background", "serve"]
