"""The order of the tests and which run in one worker of xdist: a pytest plugin.

What tests of one module share is made once: with `--dist loadgroup`, the tests that ask for a fixture of scope `module`
run in one worker, and xdist begins with the largest groups. The mark `xdist_group` makes one of several files. Of the
others those with the mark `db` come first, in the order of their files: what a package shares is made anew whenever a
test of another one came between. Those without the mark are short and come last, so that no worker is left with a long
one at the end.

Where only tests without that mark run, those of a file run in one worker: to hand thousands out one by one costs more
than most of them.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    if not hasattr(config, "workerinput"):  # no worker of xdist
        yield
        return
    is_quick = config.option.markexpr == "not db"
    for item in items:
        if (is_quick or _shares(item)) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0].rpartition("/")[2]))
    items.sort(key=_is_quick)
    yield
    for item in items:
        _take_id_of_group(item)


def _take_id_of_group(item: pytest.Item) -> None:
    """Let the id name the group as xdist 3.8 writes it: into an attribute that pytest 9.2 reads no more."""
    written = item.__dict__.get("_nodeid")
    if written is not None and written != item.nodeid:
        item._id = type(item._id).parse(written)


def _shares(item: pytest.Item) -> bool:
    """Tell whether a test asks for a fixture of its module's."""
    found = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(each[-1].scope == "module" and not name.startswith("_") for name, each in found.items())


def _is_quick(item: pytest.Item) -> bool:
    return item.get_closest_marker("db") is None
