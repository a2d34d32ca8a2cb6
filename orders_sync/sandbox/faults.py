"""What goes wrong on demand: by probability, seeded, or by a script for the next calls. At most one fault a call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from orders_sync.sandbox.chance import dice
from orders_sync.sandbox.world import World

KINDS = (
    "http_5xx",  # 500, 502 or 503 with an HTML body
    "reset",  # the connection breaks before an answer
    "hang",  # no answer until the client gives up, at most `hang_seconds`
    "truncated",  # fewer bytes than Content-Length says
    "garbled",  # valid HTTP, broken JSON
    "html",  # HTTP 200 with a page for people
    "flow_limit",  # slow down, in the platform's own dialect, HTTP 200
    "http_429",  # HTTP 429 with Retry-After
    "total_high",
    "total_low",
    "total_zero",  # zero, with rows
    "duplicate_rows",  # some rows twice
    "missing_rows",  # some rows not at all, though counted
    "null_list",  # null for the list of rows
    "null_data",  # null for the list and its total
    "shuffled",  # the rows of the page in no order
    "bom",  # a byte order mark before the JSON
    "firewall",  # HTTP 403 with a page for people: not the platform's own refusal
)
CLEAN = "ok"  # in a script: this call gets no fault


class Faults:
    """Faults of all accounts, or of one: its own rates take the place of the common ones, its own script comes first.

    `rates`: probability by kind; `malformed` among them is the share of orders whose record is broken, always the same
    ones (malformed.py). `latency_ms` delays every answer. `counts`: how often each kind was injected.
    """

    def __init__(
        self,
        rates: Mapping[str, float] | None = None,
        *,
        script: Iterable[str] = (),
        accounts: Mapping[str, Mapping[str, float]] | None = None,
        seed: int = 1,
        latency_ms: float = 0,
        hang_seconds: float = 30,
        retry_after: float = 1,
    ) -> None:
        self._world: World | None = None
        self.rng = dice(seed)
        self.latency_ms = latency_ms
        self.hang_seconds = hang_seconds
        self.retry_after = retry_after
        self.counts: Counter[str] = Counter()
        self.rates: dict[str | None, dict[str, float]] = {None: {}}
        self.scripts: dict[str | None, deque[str]] = {None: deque()}
        self.set_rates(rates or {})
        for account, own in (accounts or {}).items():
            self.set_rates(own, account)
        self.script(*script)

    def set_rates(self, rates: Mapping[str, float], account: str | None = None) -> None:
        """Probabilities from now on; they replace the former ones. Raises ValueError for what is none."""
        for kind, rate in rates.items():
            if kind not in KINDS and kind != "malformed":
                raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)}, malformed")
            if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
                raise ValueError(f"{kind}: a probability lies between 0 and 1, not {rate!r}")
        self.rates[account] = dict(rates)
        self._spoil()

    def script(self, *kinds: str, account: str | None = None) -> None:
        """The next calls get these, one each; "ok" lets one pass. Raises ValueError for an unknown kind."""
        for kind in kinds:
            if kind not in KINDS and kind != CLEAN:
                raise ValueError(f"no such fault: {kind}; there are {', '.join(KINDS)} and {CLEAN}")
        self.scripts.setdefault(account, deque()).extend(kinds)

    def clear(self) -> None:
        """No fault any more; the counts stay."""
        self.rates = {None: {}}
        self.scripts = {None: deque()}
        self.latency_ms = 0
        self._spoil()

    def attach(self, world: World) -> None:
        """Let these faults decide which records of this world are broken."""
        self._world = world
        self._spoil()

    def _spoil(self) -> None:
        if self._world is not None:
            for shop in self._world.shops:
                shop.malformed_rate = self.malformed_rate(shop.account.name)

    def malformed_rate(self, account: str) -> float:
        """The share of this account's orders whose record is broken."""
        return self.rates.get(account, self.rates[None]).get("malformed", 0.0)

    def draw(self, account: str) -> str | None:
        """What this call gets."""
        for key in (account, None):
            queue = self.scripts.get(key)
            if queue:
                kind = queue.popleft()
                if kind == CLEAN:
                    return None
                self.counts[kind] += 1
                return kind
        rates = self.rates.get(account, self.rates[None])
        if not rates:
            return None
        drawn = self.rng.random()
        for kind, rate in rates.items():
            if kind == "malformed":
                continue
            if drawn < rate:
                self.counts[kind] += 1
                return kind
            drawn -= rate
        return None

    def report(self) -> dict[str, Any]:
        """For people and tests: what was injected, what is set, what is queued."""
        return {
            "injected": dict(self.counts),
            "rates": {account or "*": rates for account, rates in self.rates.items() if rates},
            "queued": {account or "*": list(queue) for account, queue in self.scripts.items() if queue},
            "latency_ms": self.latency_ms,
        }
