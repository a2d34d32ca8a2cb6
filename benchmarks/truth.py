"""The proof: tables that were filled while the platforms lived, held against the platforms' own truth.

    python -m benchmarks.truth --orders 20000 --seconds 20 [--faults]

    |-- sync, sync --sweep all, sync, ... while orders are placed, change and are indexed late --|-- quiet --| verify

Exit code 1 when one order or one line differs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from benchmarks.commands import Ran, run
from benchmarks.ground import Broken, Ground, Platforms, ground, platforms, say, start

LAG = 2.0  # seconds; shorter than the default, so that reading stays close behind the changes
LAST_PASSES = 3
NEWS_EVERY = 15.0  # seconds
FAULTS = {
    "http_5xx": 0.03,
    "reset": 0.03,
    "hang": 0.01,
    "truncated": 0.02,
    "garbled": 0.02,
    "html": 0.01,
    "flow_limit": 0.02,
    "http_429": 0.01,
    "total_high": 0.02,
    "total_low": 0.02,
    "total_zero": 0.02,
    "duplicate_rows": 0.02,
    "missing_rows": 0.03,
    "null_list": 0.01,
    "null_data": 0.01,
    "shuffled": 0.02,
    "bom": 0.02,
    "firewall": 0.01,
}
MALFORMED = {"malformed": 0.005}  # a share of the orders, not of the calls: it stays to the end, and so do the rejects


@dataclass
class Story:
    """What happened, and how it ended. `failed_passes`: with faults a pass may give up, never lose anything."""

    passes: int = 0
    failed_passes: int = 0
    lived_seconds: float = 0.0
    happened: int = 0
    injected: dict[str, int] = field(default_factory=dict)
    still_hidden: int = 0
    last_passes: int = 0
    accounts: list[dict[str, Any]] = field(default_factory=list)
    equal: bool = False

    def total(self, what: str) -> int:
        values = [account[what] for account in self.accounts]
        return sum(value if isinstance(value, int) else len(value) for value in values)


def main(
    orders: Annotated[int, typer.Option(min=1, help="Before life begins, over all shops.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=0, help="How long the platforms live while they are read.")] = 20,
    rate: Annotated[float, typer.Option(min=0, help="Changes a second.")] = 20,
    shops: Annotated[int, typer.Option(min=1, help="On 1688, xportcn_open, xportcn_ka, 1688, ...")] = 3,
    faults: Annotated[bool, typer.Option("--faults", help="The platforms also misbehave while they live.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Most seconds to wait for what is indexed late.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the folder and the database.")] = False,
) -> None:
    """Sync platforms that live, then hold every order and line against their truth. Exit code 1 when not equal."""
    with ground(keep=keep) as where:
        say(f"building a world of {orders:,} orders")
        options = ("--orders", str(orders), "--shops", str(shops), "--live", "--rate", str(rate))
        with platforms(where, *options) as sandbox:
            settings = sandbox.settings(where.folder / "orders_sync.toml", sync=f'lag = "{LAG:g}s"')
            story = _tell(where, sandbox, settings, seconds, faults, wait)
    if as_json:
        print(json.dumps(asdict(story), indent=2, ensure_ascii=False))
    else:
        _show(story)
    if not story.equal:
        raise typer.Exit(1)


def _tell(where: Ground, sandbox: Platforms, settings: Path, seconds: float, faults: bool, wait: float) -> Story:
    story = Story()
    if faults:
        post(sandbox, "faults", {"rates": FAULTS | MALFORMED, "hang_seconds": 1, "retry_after": 0.2})
    _live(where, settings, story, seconds)
    story.happened = post(sandbox, "live", {"rate": 0})["happened"]
    if faults:
        story.injected = post(sandbox, "faults", {"clear": True, "rates": MALFORMED})["injected"]
    say(f"{story.passes} passes while {story.happened} changes happened; now it is quiet")
    time.sleep(LAG + 1)
    story.still_hidden = await_late(where, sandbox, settings, wait)
    for story.last_passes in range(1, LAST_PASSES + 1):
        sync(where, settings, "--sweep", "all").expect_success()
        story.accounts = list(verdicts(run(where, "verify", sandbox.root, "--json", "--config", str(settings))))
        story.equal = not any(story.total(what) for what in ("missed", "different", "surplus"))
        if story.equal:
            break
    return story


def _live(where: Ground, settings: Path, story: Story, seconds: float) -> None:
    """Passes, every second one with a sweep, as long as life lasts; at least one of each kind."""
    began = time.monotonic()
    while story.passes < 2 or time.monotonic() - began < seconds:
        ran = sync(where, settings, "--sweep", "all" if story.passes % 2 else "none")
        if ran.code not in (0, 1):
            ran.expect_success()
        story.passes += 1
        story.failed_passes += ran.code
        say(f"pass {story.passes}: {ran.seconds:.1f} s" + (", gave up in part" if ran.code else ""))
    story.lived_seconds = time.monotonic() - began


def await_late(where: Ground, sandbox: Platforms, settings: Path, wait: float) -> int:
    """Until nothing is hidden from the index, or for so many seconds; how many changes still are.

    It is the calls of a pass that make the sandbox look what is due.
    """
    deadline = time.monotonic() + wait
    while True:
        sync(where, settings).expect_success()
        answer = httpx.get(f"{sandbox.root}/sandbox/live", timeout=60).raise_for_status()
        hidden = int(answer.json()["hidden"])
        left = deadline - time.monotonic()
        if not hidden or left <= 0:
            return hidden
        say(f"{hidden} changes are not in the platforms' index yet, at most {left:.0f} s more")
        time.sleep(min(NEWS_EVERY, left))


def sync(where: Ground, settings: Path, *options: str) -> Ran:
    return run(where, "sync", "--retry", "--json", "--config", str(settings), *options)


def verdicts(ran: Ran) -> Iterator[dict[str, Any]]:
    if ran.code not in (0, 1) or not ran.out:
        raise Broken(f"verify did not compare, exit code {ran.code}:\n{ran.complaints}")
    yield from ran.result


def post(sandbox: Platforms, what: str, told: dict[str, Any]) -> Any:
    return httpx.post(f"{sandbox.root}/sandbox/{what}", json=told, timeout=60).raise_for_status().json()


def _show(story: Story) -> None:
    gave_up = f" ({story.failed_passes} gave up in part)" if story.failed_passes else ""
    print(f"while it lived: {story.passes} passes{gave_up}, {story.happened:,} changes in {story.lived_seconds:.0f} s")
    if story.injected:
        print("faults:         " + ", ".join(f"{count} {kind}" for kind, count in sorted(story.injected.items())))
    print(f"then quiet:     {story.still_hidden} changes still hidden, {story.last_passes} last passes")
    for what in ("orders", "lines", "rejects", "missed", "different", "surplus"):
        print(f"{what:>14}: {story.total(what):,}")
    for account in story.accounts:
        examples = [f"{order_id} is missing" for order_id in account["missed"][:5]]
        examples += [f"{order_id}: {words}" for order_id, words in list(account["different"].items())[:5]]
        examples += [f"{order_id} is not on the platform" for order_id in account["surplus"][:5]]
        for example in examples:
            print(f"  {account['account']}: {example}")
    print("EQUAL" if story.equal else "NOT EQUAL")


if __name__ == "__main__":
    start(main)
