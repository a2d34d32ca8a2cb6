"""Faults injected into responses, by probability (seeded) or by a script for the next calls; at most one per call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from orders_sync.sandbox.rng import seeded_rng
from orders_sync.sandbox.world import World

KINDS = {  # and what becomes of a call
    "http_5xx": "500, 502 or 503 with an HTML body",
    "reset": "the connection is aborted before a response",
    "hang": "no response until the client disconnects, at most hang_seconds",
    "truncated": "fewer bytes than Content-Length announces",
    "garbled": "valid HTTP, invalid JSON",
    "html": "HTTP 200 with an HTML page",
    "flow_limit": "HTTP 200 with the platform's own rate limit error",
    "http_429": "HTTP 429 with Retry-After",
    "total_high": "a total above the number of records",
    "total_low": "a total below it",
    "total_zero": "a total of zero, with records",
    "duplicate_rows": "some records twice",
    "missing_rows": "some records absent, though included in the total",
    "null_list": "null instead of the list of records",
    "null_data": "null instead of the list and its total",
    "shuffled": "the records of the page out of order",
    "bom": "a byte order mark before the JSON",
    "firewall": "HTTP 403 with an HTML page, not an error of the platform",
}
MALFORMED = "malformed"  # the share of orders, always the same ones, whose record is malformed (malformed.py)
CLEAN = "ok"  # in a script: a call without a fault


class Faults:
    """Decides which call gets which fault, for all accounts or for one.

    Rates of an account replace the common ones; its script is used before the common one.

    Args:
        rates: Probability by kind. `malformed` is the share of orders, always the same ones, whose record is malformed
            (malformed.py).
        script: Kinds for the next calls, one each; "ok" for a call without a fault.
        accounts: Rates by account name.
        seed: Seed of the random numbers.
        latency_ms: Milliseconds by which every response is delayed.
        hang_seconds: Longest duration of a `hang`.
        retry_after: Seconds in the Retry-After header of `http_429`.

    `counts` holds how often each kind was injected.
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
        self.rng = seeded_rng(seed)
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
        """Replace the rates. Raises ValueError for an unknown kind or a rate outside 0 to 1."""
        self.rates[account] = self.checked_rates(rates)
        self._apply_malformed_rates()

    @staticmethod
    def checked_rates(rates: object) -> dict[str, float]:
        """Return the rates as they may be set. Raises ValueError."""
        if not isinstance(rates, Mapping):
            raise ValueError(f"rates: must be an object of probabilities by fault (got {rates!r})")
        for kind, rate in rates.items():
            if kind not in KINDS and kind != MALFORMED:
                raise ValueError(f"unknown fault {kind!r}; known are {', '.join(KINDS)}, {MALFORMED}")
            if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
                raise ValueError(f"{kind}: a probability is between 0 and 1, not {rate!r}")
        return dict(rates)

    def script(self, *kinds: str, account: str | None = None) -> None:
        """Queue faults for the next calls, one each; "ok" is a call without. Raises ValueError for an unknown kind."""
        self.scripts.setdefault(account, deque()).extend(self.checked_script(kinds))

    @staticmethod
    def checked_script(kinds: object) -> list[str]:
        """Return the kinds as they may be queued. Raises ValueError."""
        if not isinstance(kinds, (list, tuple)):
            raise ValueError(f"script: must be a list of faults (got {kinds!r})")
        for kind in kinds:
            if not isinstance(kind, str) or (kind not in KINDS and kind != CLEAN):
                raise ValueError(f"unknown fault {kind!r}; known are {', '.join(KINDS)} and {CLEAN}")
        return list(kinds)

    def clear(self) -> None:
        """Remove all rates, scripts and the latency; keep the counts."""
        self.rates = {None: {}}
        self.scripts = {None: deque()}
        self.latency_ms = 0
        self._apply_malformed_rates()

    def attach(self, world: World) -> None:
        """Apply the `malformed` rates to the shops of this world, now and after each change of the rates."""
        self._world = world
        self._apply_malformed_rates()

    def _apply_malformed_rates(self) -> None:
        if self._world is not None:
            for shop in self._world.shops:
                shop.malformed_rate = self.malformed_rate(shop.account.name)

    def malformed_rate(self, account: str) -> float:
        """Return the share of this account's orders whose record is malformed."""
        return self.rates.get(account, self.rates[None]).get(MALFORMED, 0.0)

    def draw(self, account: str) -> str | None:
        """Draw the fault of the account's next call and count it; None for no fault."""
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
            if kind == MALFORMED:
                continue
            if drawn < rate:
                self.counts[kind] += 1
                return kind
            drawn -= rate
        return None

    def report(self) -> dict[str, Any]:
        """Return the injected counts, the rates, the queued scripts and the latency, for /sandbox/faults."""
        return {
            "injected": dict(self.counts),
            "rates": {account or "*": rates for account, rates in self.rates.items() if rates},
            "queued": {account or "*": list(queue) for account, queue in self.scripts.items() if queue},
            "latency_ms": self.latency_ms,
        }
