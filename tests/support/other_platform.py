"""The platform of examples/example_shop, installed as somebody else's package is, and its sandbox."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "examples" / "example_shop"


def install(site: Path) -> None:
    """Install the package in a folder of its own, to be put on PYTHONPATH; nothing is fetched.

    By pip where the build backend is installed; else with the metadata that pip would write.
    """
    if importlib.util.find_spec("hatchling"):
        source = site.with_name("source")  # pip builds in the folder of the project
        shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns("__pycache__"))
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
        subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True)
        return
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    shutil.copytree(PROJECT / "example_shop", site / "example_shop", ignore=shutil.ignore_patterns("__pycache__"))
    metadata = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())])
        for group, entries in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups) + "\n")


@contextmanager
def sandbox(site: Path, orders: int) -> Iterator[str]:
    """Its root URL, while it runs in a process of its own."""
    program = [sys.executable, "-m", "example_shop.sandbox", "--port", "0", "--orders", str(orders)]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.terminate()
