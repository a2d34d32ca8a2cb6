"""The order of the tests, and groups of tests that run in one worker of xdist: a pytest plugin.

What tests of one module share is made once: the tests that ask for a fixture of scope `module` are one group, which
runs in one worker. The mark `xdist_group` makes one group of several files.

First come the tests with the mark `waits`, which leave the cores idle. One worker of four has all of them, while the
others compute. Then come the other tests with the mark `db`, groups first, the others in the order of their files:
what a package shares is made anew whenever a test of another one came between.

The tests without these marks come last: they are short, so that no worker is left with a long one at the end. Those of
a file are a group: to hand thousands out one by one costs more than most of them. Of groups the largest come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    if not hasattr(config, "workerinput"):  # no worker of xdist
        yield
        return
    waiting = list(dict.fromkeys(_file(item) for item in items if _has_mark(item, "waits")))
    lanes = max(1, config.workerinput["workercount"] // 4)
    for item in items:
        if _has_mark(item, "waits"):
            item.add_marker(pytest.mark.xdist_group(f"waits_{waiting.index(_file(item)) % lanes}"))
        elif (not _has_mark(item, "db") or _shares(item)) and _group(item) is None:
            item.add_marker(pytest.mark.xdist_group(_file(item)))
    sizes = Counter(map(_group, items))
    sizes[None] = 1
    items.sort(key=lambda item: (not _has_mark(item, "waits"), not _has_mark(item, "db"), -sizes[_group(item)]))
    yield
    for item in items:
        _take_id_of_group(item)


def _take_id_of_group(item: pytest.Item) -> None:
    """Copy the id with the group: xdist 3.8 writes it into `_nodeid`, pytest 9.2 reads `_id`."""
    written = item.__dict__.get("_nodeid")
    if written is not None and written != item.nodeid:
        item._id = type(item._id).parse(written)


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _group(item: pytest.Item) -> str | None:
    mark = item.get_closest_marker("xdist_group")
    return mark.args[0] if mark else None


def _has_mark(item: pytest.Item, name: str) -> bool:
    return item.get_closest_marker(name) is not None


def _shares(item: pytest.Item) -> bool:
    """Tell whether a test asks for a fixture of scope `module`. Names with `_` are of pytest and its plugins."""
    found = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(each[-1].scope == "module" and not name.startswith("_") for name, each in found.items())
