"""Postgres servers of the system, of other major versions than the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orders_sync import embedded_postgres
from orders_sync.embedded_postgres import binaries


def installed() -> dict[str, Path]:
    """Every Postgres of the system, by its major version."""
    folders = [Path(pattern.format(major=major)) for pattern in binaries.SYSTEM for major in range(9, 30)]
    return {binaries.major_of(folder): folder for folder in folders if (folder / "initdb").is_file()}


@contextmanager
def system_server(bin_dir: Path, home: Path) -> Iterator[str]:
    """A server of these binaries, for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binaries, "wheel", lambda: bin_dir)
        with embedded_postgres.running(home) as server:
            yield server.url
