"""What every test needs from the start, and the plugins."""

from __future__ import annotations

import os
import signal
import sys

import pytest

# called last in, first out
pytest_plugins = ["tests.support.garbage", "tests.support.order", "tests.support.quick", "tests.support.cpu_times"]

# Where the environment says that no bytecode is written, each worker would compile all tests anew, each command the
# program: two thirds of what they need to start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A command that a test starts inherits the signals that are ignored or blocked here, as under nohup, behind a shell's
# `&` and in some CI. It must start as it does in a terminal: what has a handler here has the default one there.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
for _signal in SIGNALS:
    if signal.getsignal(_signal) is signal.SIG_IGN:
        signal.signal(_signal, lambda *_: None)
signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run two tests at a time on each core with `-n auto`: they wait for programs to start. Quick ones only compute."""
    cores = os.cpu_count() or 1
    return min(cores if config.option.markexpr == "not db" else 2 * cores, 16)


def pytest_configure(config: pytest.Config) -> None:
    """Have the fixtures where tests run, not in the process that hands them to workers."""
    if not config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        config.pluginmanager.import_plugin("tests.support.fixtures")
