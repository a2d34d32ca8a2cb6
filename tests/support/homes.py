"""Home folders of the embedded server to copy: each is made once in a run, by the worker that needs it first."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from orders_sync.cli import demo
from tests.support.fork_server import DEMO_ORDERS, starts_alike
from tests.support.terminal import Said, Terminal, closed_port

COLUMNS, NARROW = 80, 60
ORDERS = DEMO_ORDERS if starts_alike(dict(os.environ)) else demo.ORDERS  # of a demo that a test runs


@dataclass(frozen=True)
class Homes:
    """`shared`: a folder that all workers of the run have in common."""

    shared: Path

    def migrated(self, folder: Path) -> Terminal:
        """Return a terminal in `folder` whose database has all tables and no rows. The caller closes it."""
        return _copied(self._migrated_once()[0], folder)

    def migrate(self) -> Said:
        """Return what `migrate --json` said where there was no database."""
        return self._migrated_once()[1]

    def _migrated_once(self) -> tuple[Terminal, Said]:
        return self._once("migrate", lambda terminal: terminal.run("migrate", "--json"))

    def with_demo(self, folder: Path) -> Terminal:
        """Return a terminal in `folder` where the demo was run once. The caller closes it."""
        return _copied(self.demo()[0], folder)

    def demo(self) -> tuple[Terminal, Said]:
        """Return the terminal where the demo was run once, and what that said on a screen of `COLUMNS`."""
        return self._once("demo", lambda terminal: terminal.on_screen(COLUMNS, "demo"))

    def demo_again(self) -> tuple[Terminal, Said]:
        """Return another terminal where it was run again, and what that said on a screen of `NARROW`.

        It had a DATABASE_URL that leads nowhere.
        """
        before, _ = self.demo()

        def run_again(terminal: Terminal) -> Said:
            _copied(before, terminal.folder)
            with closed_port() as port:
                nowhere = f"postgresql://somebody@127.0.0.1:{port}/theirs"
                return terminal.on_screen(NARROW, "demo", DATABASE_URL=nowhere)

        return self._once("demo-again", run_again)

    def _once(self, name: str, run: Callable[[Terminal], Said]) -> tuple[Terminal, Said]:
        """Return a terminal after a command that is run in it once, and its result. Nobody changes its home folder."""
        terminal = Terminal(self.shared / f"after-{name}")
        result = terminal.folder / "said.json"
        with (self.shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                result.write_text(json.dumps(asdict(run(terminal).assert_well())))
        return terminal, Said(**json.loads(result.read_text()))


def _copied(terminal: Terminal, folder: Path) -> Terminal:
    copy = Terminal(folder)
    subprocess.run(["cp", "-a", str(terminal.home), str(copy.home)], check=True)
    return copy
