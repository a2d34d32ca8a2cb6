"""`--cpu N`: the CPU seconds of the N dearest tests and files: a pytest plugin.

They say more than `--durations` where other programs run, too. Counted are the worker's process and all it started:
commands, browsers, and the tests' Postgres, unless TEST_DATABASE_URL names one. The first test that asks for a shared
fixture pays for it. What a process leaves running when it ends is not counted, such as a killed command's Postgres.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

import psutil
import pytest

PROPERTY = "cpu_seconds"
_before = 0.0
_seconds: dict[str, float] = {}  # by the id of the test


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cpu", type=int, default=0, metavar="N", help="show the CPU seconds of the N dearest tests")


def pytest_collection_finish(session: pytest.Session) -> None:
    global _before
    if session.config.getoption("--cpu"):
        _before = used_seconds()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Add what was used since the test before to the last report of this test."""
    global _before
    if call.when == "teardown" and item.config.getoption("--cpu"):
        start, now = time.process_time(), used_seconds()
        item.user_properties.append((PROPERTY, max(0.0, now - _before)))
        _before = now + time.process_time() - start  # without that reading: it grows with the machine's processes


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == PROPERTY:
            _seconds[report.nodeid] = float(str(value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    number = config.getoption("--cpu")
    if not number:
        return
    terminalreporter.section(f"CPU seconds: {sum(_seconds.values()):.0f} in {len(_seconds)} tests")
    for part in ("/", "::", "["):
        dearest = sorted(added_up(_seconds.items(), part).items(), key=lambda each: -each[1])
        for name, seconds in dearest[:number]:
            terminalreporter.write_line(f"{seconds:8.2f}  {name}")
        terminalreporter.write_line("")


def added_up(seconds: Iterable[tuple[str, float]], part: str) -> dict[str, float]:
    """Return the seconds by folder (`/`), file (`::`) or test function (`[`): by what is before that in a test's id."""
    found: dict[str, float] = defaultdict(float)
    for test, used in seconds:
        name = test.partition("::")[0].rpartition("/")[0] if part == "/" else test.partition(part)[0]
        found[name] += used
    return dict(found)


def used_seconds() -> float:
    """Return the CPU seconds of this process and of all it started so far, those that have ended included."""
    own = psutil.Process()
    found = 0.0
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            found += used.user + used.system + used.children_user + used.children_system
    return found
