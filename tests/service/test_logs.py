"""Logs of the service: one line per event, and no secret in it, whatever library writes it (P8)."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
import time_machine

from orders_sync.domain.errors import AuthenticationError, IncompleteWindowError, LeaseLostError, TransientError
from orders_sync.domain.ledger import Claim
from orders_sync.domain.records import LoadCounts
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import AppId, SecretText, Text
from orders_sync.domain.windows import Feed, Window, WindowKind
from orders_sync.engine.results import WindowResult
from orders_sync.platforms import PLATFORMS
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.service import logs
from orders_sync.service.redaction import Redactor, collect_secrets
from orders_sync.settings import LogSettings, load
from tests.support.talker import ACCESS_KEY, APP_ID, SHORT

# pieces of the secrets that no writing changes
PIECES = ("quokka", ACCESS_KEY, APP_ID, "numbat", f"'{SHORT}'", f" {SHORT},")
EVENTS = (
    "plain",
    "nested",
    "shown",
    "in the event: ***",
    "a library says",
    "could not be formatted: TypeError",
    "a warning that holds",
    "caught",
    "caught by a library",
    "no database",
    "Task exception was never retrieved",
    "unhandled error in a thread",
    "unhandled error in a finalizer",
    "unhandled error; the process ends",
)
BEGIN = datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=8)))
CLAIM = Claim(
    7,
    "kingdo",
    WindowKind.INCREMENTAL,
    Feed.UPDATED,
    Window(BEGIN, BEGIN + timedelta(hours=1)),
    None,
    None,
    None,
    3,
    2,
    0,
    BEGIN,
)
DONE = WindowResult(CLAIM, 4, 17, LoadCounts(new=9, changed=3, unchanged=5), None, 1.23456)

Configure = Callable[..., io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Configure the logs of this process, `configure(format="json")`, and take it back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level

    def begin(*secrets: str, stream: io.StringIO | None = None, **keys: Any) -> io.StringIO:
        root.handlers = []  # else pytest's own would be closed
        stream = stream or io.StringIO()
        logs.configure(LogSettings(**keys), secrets, stream)
        return stream

    yield begin
    root.handlers, root.level = before, level
    logging.getLogger(logs.ROOT_LOGGER).setLevel(logging.NOTSET)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture(scope="module")
def talked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talked")
    subprocess.run([sys.executable, "-m", "tests.support.talker", folder, "json", "pretty"], check=True)
    return folder


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_whoever_speaks_whatever_goes_wrong_no_secret_is_written_P8(form: str, talked: Path) -> None:
    out, said, code = ((talked / f"{form}.{each}").read_text(encoding="utf-8") for each in ("out", "err", "code"))
    assert (out, code) == ("", "1")
    assert [event for event in EVENTS if event not in said] == []
    assert [piece for piece in PIECES if piece in said] == []
    assert "too chatty" not in said
    assert "k9s beside it" in said  # a short secret is one where it stands alone
    if form == "json":
        found = [json.loads(line) for line in said.splitlines()]
        assert {"timestamp", "level", "event"} <= set.intersection(*(set(line) for line in found))


def test_a_line_is_an_object_with_time_level_event_and_values(configure: Configure) -> None:
    stream = configure(format="auto")  # a stream that is no terminal
    structlog.get_logger("orders_sync.x").warning("two\nlines", rows=3, name="订单", at=BEGIN, none=None, share=0.5)
    [line] = lines(stream)
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() == timedelta(0)
    assert line == {
        "level": "warning",
        "event": "two\nlines",
        "rows": 3,
        "name": "订单",
        "at": "2026-11-01T00:00:00Z",
        "none": None,
        "share": 0.5,
    }


def test_pretty_is_for_eyes_and_holds_the_same(configure: Configure) -> None:
    stream = configure("Hush-4711", format="pretty")
    structlog.get_logger("orders_sync.x").warning("window done", rows=3, error="it said Hush-4711")
    said = stream.getvalue()
    assert said.count("\n") == 1
    for words in ("warning", "window done", "rows=3", "error='it said ***'"):
        assert words in said


@time_machine.travel(datetime(2026, 12, 31, 16, 30, tzinfo=UTC), tick=False)
def test_times_of_a_log_for_people_are_in_their_zone(configure: Configure) -> None:
    stream = configure(format="pretty")
    logs.window_closed(structlog.get_logger("orders_sync.x"), DONE)
    said = stream.getvalue()
    assert said.startswith("2027-01-01 00:30:00 +08:00")
    assert "start=2026-11-01 08:00:00 +08:00" in said.replace("'", "")


def test_auto_is_pretty_on_a_terminal(configure: Configure) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = configure(format="auto", stream=Screen())
    structlog.get_logger("orders_sync.x").info("hello")
    assert not stream.getvalue().startswith("{")
    assert "hello" in stream.getvalue()


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["our debug", "our info", "our warning", "their debug", "their info", "their warning"]),
        ("info", ["our info", "our warning", "their warning"]),
        ("warning", ["our warning", "their warning"]),
        ("error", []),
    ],
)
def test_libraries_are_heard_from_warnings_on_unless_everything_is(
    configure: Configure, level: str, heard: list[str]
) -> None:
    stream = configure(format="json", level=level)
    for whose, logger in (
        ("our", structlog.get_logger("orders_sync.x")),
        ("their", logging.getLogger("procrastinate")),
    ):
        for each in ("debug", "info", "warning"):
            getattr(logger, each)(f"{whose} {each}")
    assert [line["event"] for line in lines(stream)] == heard


def test_a_line_stays_json_when_a_secret_looks_like_json(configure: Configure) -> None:
    stream = configure("null", "1234", "info", "2026", format="json")
    structlog.get_logger("orders_sync.x").info("null and 1234", none=None, rows=1234, few=123)
    [line] = lines(stream)
    assert line.pop("timestamp")[:2] == "20"
    assert line == {"level": "info", "event": "*** and ***", "none": None, "rows": "***", "few": 123}


class AnotherPlatform(AccountSettings, frozen=True, kw_only=True):
    """Secrets under names that nothing else in the product knows."""

    seller: Text = msgspec.field(name="shop_id")
    app_id: AppId = msgspec.field(name="client")
    app_secret: SecretText = msgspec.field(name="client_word")
    refresh: SecretText
    webhook: SecretText | None = None
    old_words: tuple[Secret, ...] = (Secret("Hush-never-rotated"),)


def test_secrets_of_a_new_model_are_redacted_without_another_edit_P8(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets follow from the type of a field, not from its name, its source or its depth."""
    new = replace(PLATFORMS["1688"], name="another", settings=AnotherPlatform)
    monkeypatch.setitem(PLATFORMS, "another", new)
    file = tmp_path / "x.toml"
    file.write_text(
        '[[accounts]]\nname = "a-b"\nplatform = "another"\nshop_id = "shop"\nclient = "Hush-client"\n'
        'client_word = "Hush-word"\nrefresh = { env = "REFRESH" }\nhistory_from = 2025-01-01\n'
    )
    environ = {"REFRESH": "Hush-refresh", "ORDERS_SYNC_ACCOUNTS__A_B__WEBHOOK": "Hush-webhook"}
    settings = load(file, environ)
    stream = configure(*collect_secrets(settings), format="json")
    texts = ["Hush-client", "Hush-word", "Hush-refresh", "Hush-webhook", "Hush-never-rotated"]
    structlog.get_logger("orders_sync.x").warning(f"of shop: {texts}", settings=settings, texts=texts)
    [line] = lines(stream)
    assert line["texts"] == ["***"] * len(texts)
    assert "shop" in line["event"]
    assert "Hush" not in stream.getvalue() + repr(settings)


def test_without_secrets_nothing_is_redacted() -> None:
    assert Redactor([]).text("a, b") == Redactor([""]).text("a, b") == "a, b"


@pytest.mark.parametrize(
    ("closed", "level", "event", "more"),
    [
        (DONE, "info", "window done", {"new": 9, "changed": 3, "unchanged": 5, "stale": 0, "rejected": 0}),
        (replace(DONE, why_no_proof="unconfirmed"), "info", "window unconfirmed", {}),
        (replace(DONE, why_no_proof="beyond", error=TransientError("no")), "info", "window beyond", {"error": "no"}),
        (replace(DONE, landed=None, is_split=True), "info", "window split", {}),
        (
            replace(DONE, landed=None, is_split=True, error=IncompleteWindowError("rows are missing")),
            "info",
            "window split",
            {"error": "rows are missing"},
        ),
        (
            replace(DONE, landed=None, error=TransientError("it is busy")),
            "warning",
            "window failed",
            {"error": "it is busy"},
        ),
        (replace(DONE, landed=None, error=AuthenticationError("no")), "error", "window refused", {"error": "no"}),
        (
            replace(DONE, landed=None, error=LeaseLostError(7)),
            "warning",
            "window lost",
            {"error": str(LeaseLostError(7))},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_a_window_says_what_was_asked_how_it_ended_and_what_it_brought(
    configure: Configure, closed: WindowResult, level: str, event: str, more: dict[str, Any]
) -> None:
    stream = configure(format="json")
    logs.window_closed(structlog.get_logger("orders_sync.x"), closed)
    [line] = lines(stream)
    del line["timestamp"]
    assert line == more | {
        "level": level,
        "event": event,
        "account": "kingdo",
        "kind": "incremental",
        "feed": "updated",
        "start": "2026-11-01T00:00:00Z",
        "end": "2026-11-01T01:00:00Z",
        "window": 7,
        "attempt": 2,
        "calls": 4,
        "total": 17,
        "seconds": 1.235,
    }


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_what_a_terminal_would_obey_is_shown_in_every_part_of_a_line(configure: Configure, form: str) -> None:
    evil = "\x1b[2J\x9b31m\u202e98765\u2028"
    stream = configure(format=form)
    log = structlog.get_logger(logs.ROOT_LOGGER)
    log.warning(f"event {evil}", error=evil, told=[evil], nested={evil: evil})
    logging.getLogger("library").error("said %s", evil)
    try:
        raise TransientError(f"raised {evil}")
    except TransientError:
        log.exception("caught")
    shown = stream.getvalue()
    assert shown.count("98765") >= 7
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    if form == "json":
        assert json.loads(shown.splitlines()[0])["error"] == evil
