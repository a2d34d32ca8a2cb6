"""The lock file agrees with pyproject.toml; the package is typed and names its licence."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata, resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DIRECT = [Requirement(text) for text in PROJECT["dependencies"]]
LOCK = (ROOT / "requirements.lock").read_text()
# one entry: a pinned requirement, then its hashes, each on a continued line
ENTRY = re.compile(r"^(?P<pin>[a-z0-9][^\s#]*==[^\\\n]*?) *\\\n(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.M)


@cache
def locked() -> dict[str, Requirement]:
    """Every pinned requirement of the lock file by its canonical name."""
    pins = [Requirement(entry["pin"]) for entry in ENTRY.finditer(LOCK)]
    return {canonicalize_name(pin.name): pin for pin in pins}


def version(pin: Requirement) -> Version:
    [only] = pin.specifier
    return Version(only.version)


def test_every_dependency_is_locked_within_its_bounds() -> None:
    for direct in DIRECT:
        pin = locked().get(canonicalize_name(direct.name))
        assert pin, f"{direct.name} is not in requirements.lock: run `make lock`"
        assert direct.specifier.contains(version(pin), prereleases=True), f"{pin} is not {direct}: run `make lock`"


@pytest.mark.parametrize("python", PYTHONS)
def test_what_the_locked_packages_need_is_locked_too(python: str) -> None:
    """Yield each requirement that applies on Linux to that version of Python, as far as the installed packages tell."""
    pins = locked()
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    missing = []
    for root in [PROJECT["name"], *pins]:
        for text in installed_requirements(root):
            need = Requirement(text)
            extras = wanted_extras(root, pins)
            if need.marker and not any(need.marker.evaluate({**environment, "extra": extra}) for extra in extras):
                continue
            pin = pins.get(canonicalize_name(need.name))
            if pin is None or (pin.marker and not pin.marker.evaluate(environment)):
                missing.append(f"{root} needs {need}")
    assert not missing


@cache
def installed_requirements(name: str) -> list[str]:
    """Return what the installed distribution requires; nothing if another version than the locked one is installed."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []
    pins = locked()
    if name in pins and Version(distribution.version) != version(pins[name]):
        return []
    return [text for text in distribution.requires or [] if "extra == 'dev'" not in text]


def wanted_extras(name: str, pins: dict[str, Requirement]) -> set[str]:
    named = [need for need in DIRECT if canonicalize_name(need.name) == name]
    return {"", *(extra for need in named for extra in need.extras)}


def test_every_line_of_the_lock_is_a_pin_with_hashes_or_a_comment() -> None:
    rest = [line for line in ENTRY.sub("", LOCK).splitlines() if not line.lstrip().startswith("#")]
    assert rest == [], "an entry without hashes, or an option such as the address of an index"
    assert "://" not in LOCK


def test_image_installs_the_lock_and_nothing_else() -> None:
    installs = re.findall(r"pip install (.*?)(?:&&|$)", (ROOT / "Dockerfile").read_text(), re.M)
    assert all("--require-hashes -r" in install or "--no-deps" in install for install in installs)
    assert len(installs) == 2


def test_package_is_typed_and_names_its_licence() -> None:
    assert resources.files("orders_sync").joinpath("py.typed").is_file()
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert {f"Programming Language :: Python :: {python}" for python in PYTHONS} <= set(PROJECT["classifiers"])


def test_the_wheel_holds_the_product_and_no_tests() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["orders_sync"]
    assert {"docs", "deploy", "README.md"} <= wheel["shared-data"].keys()  # texts of commands name them


@pytest.mark.db  # it starts the whole program
def test_the_product_does_without_what_only_tests_need() -> None:
    """`orders_sync.platforms.testing` is for tests of platforms; no command imports it."""
    names = "[name for name in ('pytest', 'hypothesis', 'orders_sync.platforms.testing') if name in sys.modules]"
    program = f"import sys, orders_sync.cli, orders_sync.service.app, orders_sync.sandbox; sys.exit({names} or 0)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
