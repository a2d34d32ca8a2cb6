"""Consistency test: sync while orders change, then compare the tables with the expected values.

    python -m benchmarks.truth --orders 20000 --seconds 20 [--faults]

    |-- sync, sync --sweep all, ... while orders are placed, change and are indexed late --|-- no changes --| verify

Exit code 1 when one order or one line differs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from benchmarks.commands import CommandResult, run
from benchmarks.environment import (
    BenchmarkError,
    Environment,
    SandboxServer,
    info,
    open_environment,
    run_cli,
    run_sandbox,
)
from orders_sync.cli.exit_codes import ExitCode

LAG = 2.0  # seconds; shorter than the default, so that changes are read soon
LAST_PASSES = 3
PROGRESS_INTERVAL = 15.0  # seconds
FAULTS = {  # by kind: the probability per call
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
# a share of the orders, not of the calls; still active at the comparison, where these orders must be rejects
MALFORMED = {"malformed": 0.005}


@dataclass
class Result:
    """Counts of syncs, changes and injected faults, and the result of `verify` by account.

    `failed_passes`: syncs that ended with exit code 1, which faults may cause. `still_hidden`: changes that were not
    indexed before the comparison. `last_passes`: syncs after the changes stopped.
    """

    passes: int = 0
    failed_passes: int = 0
    live_seconds: float = 0.0
    changes: int = 0
    api_faults: dict[str, int] = field(default_factory=dict)
    still_hidden: int = 0
    last_passes: int = 0
    accounts: list[dict[str, Any]] = field(default_factory=list)
    equal: bool = False

    def total(self, what: str) -> int:
        """Return the sum of a count, or of the lengths of a collection, over all accounts."""
        values = [account[what] for account in self.accounts]
        return sum(value if isinstance(value, int) else len(value) for value in values)


def main(
    orders: Annotated[int, typer.Option(min=1, help="Initial number of orders, over all shops.")] = 20_000,
    seconds: Annotated[float, typer.Option(min=0, help="Duration of the changes.")] = 20,
    rate: Annotated[float, typer.Option(min=0, help="Changes per second.")] = 20,
    shops: Annotated[
        int, typer.Option(min=1, help="Number of shops, in turn on 1688, xportcn_open and xportcn_ka.")
    ] = 3,
    faults: Annotated[bool, typer.Option("--faults", help="Inject API faults while orders change.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Longest wait in seconds for orders that are indexed late.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    keep: Annotated[bool, typer.Option(help="Keep the folder and the database.")] = False,
) -> None:
    """Sync while orders change, then compare every order and line. Exit code 1 when one differs."""
    with open_environment(keep=keep) as environment:
        info(f"creating {orders:,} orders")
        options = ("--orders", str(orders), "--shops", str(shops), "--live", "--rate", str(rate))
        with run_sandbox(environment, *options) as sandbox:
            settings = sandbox.write_settings(environment.folder / "orders_sync.toml", sync=f'lag = "{LAG:g}s"')
            result = _measure(environment, sandbox, settings, seconds, faults, wait)
    if as_json:
        print(json.dumps(asdict(result), indent=2, ensure_ascii=False))
    else:
        _show(result)
    if not result.equal:
        raise typer.Exit(1)


def _measure(
    environment: Environment, sandbox: SandboxServer, settings: Path, seconds: float, faults: bool, wait: float
) -> Result:
    result = Result()
    if faults:
        post_sandbox(sandbox, "faults", {"rates": FAULTS | MALFORMED, "hang_seconds": 1, "retry_after": 0.2})
    _sync_while_live(environment, settings, result, seconds)
    result.changes = post_sandbox(sandbox, "live", {"rate": 0})["happened"]
    if faults:
        result.api_faults = post_sandbox(sandbox, "faults", {"clear": True, "rates": MALFORMED})["injected"]
    info(f"{result.passes} passes during {result.changes} changes; no more changes from now on")
    time.sleep(LAG + 1)
    result.still_hidden = wait_until_indexed(environment, sandbox, settings, wait)

    def is_equal() -> bool:
        result.last_passes += 1
        sync(environment, settings, "--sweep", "all").expect_success()
        result.accounts = list(
            verify_results(run(environment, "verify", sandbox.root, "--json", "--config", str(settings)))
        )
        return not any(result.total(what) for what in ("missed", "different", "surplus"))

    result.equal = repeat_until_equal(sandbox.root, is_equal)
    return result


def _sync_while_live(environment: Environment, settings: Path, result: Result, seconds: float) -> None:
    """Sync for `seconds`, every second time with a sweep of everything; at least once each."""
    started = time.monotonic()
    while result.passes < 2 or time.monotonic() - started < seconds:
        finished = sync(environment, settings, "--sweep", "all" if result.passes % 2 else "none")
        if finished.exit_code not in (0, 1):
            finished.expect_success()
        result.passes += 1
        result.failed_passes += finished.exit_code
        info(f"pass {result.passes}: {finished.seconds:.1f} s" + (", failed in part" if finished.exit_code else ""))
    result.live_seconds = time.monotonic() - started


def wait_until_indexed(environment: Environment, sandbox: SandboxServer, settings: Path, wait: float) -> int:
    """Sync until all changes are indexed, for at most `wait` seconds. Return the number of changes that are not."""
    deadline = time.monotonic() + wait
    while True:
        sync(environment, settings).expect_success()
        hidden = count_hidden(sandbox.root)
        left = deadline - time.monotonic()
        if not hidden or left <= 0:
            return hidden
        info(f"{hidden} changes are not in the platforms' index yet, at most {left:.0f} s more")
        time.sleep(min(PROGRESS_INTERVAL, left))


def count_hidden(root: str) -> int:
    """Return the number of changes that the platforms of a sandbox have not indexed yet."""
    return int(httpx.get(f"{root}/sandbox/live", timeout=60).raise_for_status().json()["hidden"])


def repeat_until_equal(root: str, is_equal: Callable[[], bool]) -> bool:
    """Read and compare until the tables are equal, at most `LAST_PASSES` times. Return whether they are.

    Not counted are times at which the platforms indexed a change meanwhile: it may have come after the read and before
    the comparison. The changes must have stopped; so this happens at most once for each that was hidden.
    """
    counted = 0
    while counted < LAST_PASSES:
        hidden = count_hidden(root)
        if is_equal():
            return True
        counted += count_hidden(root) == hidden
    return False


def sync(environment: Environment, settings: Path, *options: str) -> CommandResult:
    """Run `orders-sync sync --retry --json`."""
    return run(environment, "sync", "--retry", "--json", "--config", str(settings), *options)


def verify_results(result: CommandResult) -> Iterator[dict[str, Any]]:
    """Yield the accounts in the output of `verify --json`. Raises `BenchmarkError` if it did not compare."""
    if result.exit_code not in (ExitCode.DONE, ExitCode.DIFFERENCE) or not result.stdout:
        raise BenchmarkError(f"verify did not compare, exit code {result.exit_code}:\n{result.stderr}")
    yield from result.output


def post_sandbox(sandbox: SandboxServer, what: str, body: dict[str, Any]) -> Any:
    """POST to a control endpoint of the sandbox, such as "faults" or "live". Return the decoded response."""
    return httpx.post(f"{sandbox.root}/sandbox/{what}", json=body, timeout=60).raise_for_status().json()


def _show(result: Result) -> None:
    failed = f" ({result.failed_passes} failed in part)" if result.failed_passes else ""
    print(f"during changes: {result.passes} passes{failed}, {result.changes:,} changes in {result.live_seconds:.0f} s")
    if result.api_faults:
        print("API faults:     " + ", ".join(f"{count} {kind}" for kind, count in sorted(result.api_faults.items())))
    print(f"afterwards:     {result.still_hidden} changes not indexed, {result.last_passes} last passes")
    for what in ("orders", "lines", "rejects", "missed", "different", "surplus"):
        print(f"{what:>14}: {result.total(what):,}")
    for account in result.accounts:
        examples = [f"{order_id} is missing" for order_id in account["missed"][:5]]
        examples += [f"{order_id}: {text}" for order_id, text in list(account["different"].items())[:5]]
        examples += [f"{order_id} is not on the platform" for order_id in account["surplus"][:5]]
        for example in examples:
            print(f"  {account['account']}: {example}")
    print("EQUAL" if result.equal else "NOT EQUAL")


if __name__ == "__main__":
    run_cli(main)
