"""The start of a command: nothing is done that the command does not need."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Report, when `orders-sync sync --help` ends, what the garbage collector did and what it will walk at the exit.
WATCHED = """
import atexit, gc, json, sys
from orders_sync.__main__ import main
before_command = []
gc.callbacks.append(lambda phase, _: before_command.append(phase) if not gc.get_freeze_count() else None)

def report():
    walked = {id(each) for each in gc.get_objects()}
    ours = [name for name, module in sys.modules.items() if name.startswith("orders_sync")]
    print(json.dumps({
        "collections": len(before_command),
        "walked": [name for name in ours if id(vars(sys.modules[name])) in walked],
        "modules": ours,
        "is_enabled": gc.isenabled(),
    }), file=sys.stderr)

atexit.register(report)
gc.collect(0)
before_command.clear()
sys.argv = ["orders-sync", "sync", "--help"]
main()
"""


@pytest.mark.db  # it starts the whole program
def test_what_a_command_imports_is_never_searched_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True)
    found = json.loads(done.stderr)
    assert "orders_sync.cli.sync" in found["modules"]
    assert (found["collections"], found["walked"]) == (0, [])
    assert found["is_enabled"], "a command that runs for weeks collects its garbage"
