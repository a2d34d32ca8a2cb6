"""The state of a sandbox: its world, its faults, its clock, and what was called so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from orders_sync.platforms import Simulation
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.sandbox.accounts import shop_settings, simulation_settings
from orders_sync.sandbox.expected import ExpectedValues
from orders_sync.sandbox.faults import Faults
from orders_sync.sandbox.live_mode import LiveMode
from orders_sync.sandbox.world import World

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


class SandboxState:
    """A simulated world, and what is set and counted of it while it is served.

    `stats` counts calls by (account, platform); unknown accounts count as "?".

    Args:
        world: The shops and their orders.
        faults: Faults to inject; none by default.
        clock: Source of the current time, with a time zone.
        simulations: Accounts of installed platforms, without faults, live changes and statistics.
    """

    def __init__(
        self,
        world: World,
        faults: Faults | None = None,
        clock: Clock = utc_now,
        simulations: Sequence[Simulation] = (),
    ) -> None:
        self.world = world
        self.simulations = simulations
        self.faults = faults if faults is not None else Faults()
        self.clock = clock
        self.live_mode = LiveMode(world, clock)
        self.faults.attach(world)
        self.stats: Counter[tuple[str, str]] = Counter()

    def accounts(self, root: str) -> list[AccountSettings]:
        """Return the settings of all accounts, for a sandbox at the URL `root`."""
        return [
            *(shop_settings(account, root) for account in self.world.accounts),
            *(simulation_settings(each.settings, root) for each in self.simulations),
        ]

    def expected_orders(self, account: str) -> Iterable[ExpectedValues]:
        """Return the expected values of every order that the account's platform lists now. Raises KeyError."""
        for each in self.simulations:
            if each.settings.name == account:
                return each.expected_orders()
        self.world.shop(account)
        return self.world.iter_expected_orders(account)
