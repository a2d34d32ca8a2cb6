"""Home folders of the embedded server to copy: each is made once in a run, by the worker that needs it first."""

from __future__ import annotations

import fcntl
import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.terminal import Said, Terminal

COLUMNS = 80


@dataclass(frozen=True)
class Homes:
    """`shared`: a folder that all workers of the run have in common."""

    shared: Path

    def migrated(self, folder: Path) -> Terminal:
        """Return a terminal in `folder` whose database has all tables and no rows. The caller closes it."""
        return self._after("migrate", folder)[0]

    def with_demo(self, folder: Path) -> tuple[Terminal, Said]:
        """Return a terminal in `folder` where the demo was run once, and what that said on a screen of `COLUMNS`.

        The caller closes it.
        """
        return self._after("demo", folder)

    def _after(self, command: str, folder: Path) -> tuple[Terminal, Said]:
        """Copy the home folder after a command that was run in an empty one."""
        kept = self.shared / f"after-{command}"
        result = kept / "said.json"
        with (self.shared / f"{command}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                result.write_text(json.dumps(asdict(Terminal(kept).on_screen(COLUMNS, command).assert_well())))
        terminal = Terminal(folder)
        subprocess.run(["cp", "-a", str(kept / terminal.home.name), str(terminal.home)], check=True)
        return terminal, Said(**json.loads(result.read_text()))
