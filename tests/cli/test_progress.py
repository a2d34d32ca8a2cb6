"""Long commands say how far they are: by bars on a screen, one for many accounts, and by lines where there is none."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from rich.console import Console

from orders_sync.cli import output, progress

FEW, MANY = ["shop-1", "shop-2"], [f"shop-{number}" for number in range(200)]


def screen(is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=80)


def titles(made: progress.Bars) -> list[str]:
    return [task.description for task in made._progress.tasks]


def test_few_accounts_have_a_bar_each_and_many_have_one() -> None:
    for accounts, expected in (
        (FEW, FEW),
        (MANY[:10], MANY[:10]),
        (MANY[:11], ["11 accounts"]),
        (MANY, ["200 accounts"]),
    ):
        with progress.bars(accounts, console=screen(True)) as made:
            assert titles(made) == expected


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_bar_of_many_is_their_sum(is_terminal: bool) -> None:
    with progress.bars(MANY, console=screen(is_terminal)) as made:
        for account in MANY:
            made.counted(account, 10)
        made.landed("shop-7", 4)
        made.landed("shop-8", 5)
        [task] = made._progress.tasks
        assert (task.completed, task.total) == (9, 2000)
    with progress.range_bars(dict.fromkeys(MANY, 60), screen(is_terminal)) as ranges:
        ranges.landed("shop-7", 4)
        ranges.landed("shop-8", 5)
        [task] = ranges._progress.tasks
        assert (task.total, task.fields["orders"]) == (12_000, 9)


def test_an_audit_of_many_is_their_sum_whatever_their_order() -> None:
    with progress.bars(MANY, unit="done", console=screen(True)) as made:
        made.compared("shop-1", 1, 8, 2, 0)
        made.compared("shop-2", 3, 8, 5, 1)
        made.compared("shop-1", 2, 8, 4, 0)
        [task] = made._progress.tasks
        assert (task.completed, task.total) == (5, 16)
        assert task.description == "200 accounts: 9 calls, 1 ranges differ"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (lambda: progress.bars(MANY, console=screen(False)), "200 accounts: 4 of 10 orders, after "),
        (lambda: progress.bars(FEW[:1], console=screen(False)), "shop-1: 4 of 10 orders, after "),
        (lambda: progress.range_bars(dict.fromkeys(FEW, 60), screen(False)), "2 accounts: 0% read, 4 orders, after "),
    ],
)
def test_where_there_is_no_screen_a_line_comes_every_so_often(
    monkeypatch: pytest.MonkeyPatch, shown: Callable[[], AbstractContextManager[Any]], expected: str
) -> None:
    """Also while nothing happens, and not a byte once it is over."""
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
    said: list[str] = []
    enough = threading.Event()

    def hear(text: str) -> None:
        said.append(text)
        if said[-2:].count(text) and said[-1].startswith(expected) and len(said) > 2:
            enough.set()

    monkeypatch.setattr(output, "info", hear)
    with shown() as made:
        account = next(iter(made._bars)) if "200" not in expected else "shop-7"
        made.counted(account, 10)
        made.landed(account, 4)
        assert enough.wait(300), said
    count = len(said)
    assert not [each for each in threading.enumerate() if "report" in each.name]
    assert len(said) == count
