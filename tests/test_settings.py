"""Settings as a user meets them: what is read from where, and the words for every mistake. P8: none shows a secret."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
import traceback
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_sync.domain.accounts import Identity
from orders_sync.domain.errors import ConfigurationError, SettingsError
from orders_sync.domain.problems import ProblemKind
from orders_sync.domain.quiet_hours import QuietHours
from orders_sync.domain.secret import Secret
from orders_sync.domain.setting_types import duration, is_secret
from orders_sync.domain.sweeps import DAY, Tier
from orders_sync.domain.times import SHANGHAI
from orders_sync.platforms import PLATFORMS
from orders_sync.platforms.account_settings import AccountSettings
from orders_sync.platforms.alibaba_1688.settings import Account1688
from orders_sync.platforms.xportcn.settings import AccountXportcn
from orders_sync.settings import DatabaseSettings, RetentionSettings, Settings, SyncSettings, load
from orders_sync.settings.models import SECTIONS
from orders_sync.settings.tables import fields

ROOT = Path(__file__).parents[1]
URL_1688, URL_XPORTCN = "https://kf.fw199.com", "https://www.xportcn.com/api"
SECRET = "hunter2-Qx9"
SECRET_NAME = re.compile("secret|token|password|key|app_id|credential")

SHOP = {
    "name": "kingdo",
    "platform": "1688",
    "seller_nick": "kingdo",
    "app_id": "app",
    "app_secret": SECRET,
    "history_from": "2025-08-01",
}
KA = {
    "name": "ka",
    "platform": "xportcn_ka",
    "user_id": "u1",
    "access_key": "key",
    "access_secret": SECRET,
    "history_from": "2025-08-01",
}


MORE = dict.fromkeys(
    ("base_url", "page_size", "longest_window", "refused_codes", "row_times", "lag", "requests_per_second")
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def toml(text: str, environ: dict[str, str] | None = None) -> Settings:
    Path("orders_sync.toml").write_text(text, encoding="utf-8")
    return load(environ=environ or {}, with_secrets=True)


def accounts(*several: dict[str, Any], **environ: str) -> list[AccountSettings]:
    """The accounts of these settings, of which none is misconfigured."""
    settings = load(environ={"ORDERS_SYNC_ACCOUNTS": json.dumps(several), **environ}, with_secrets=True)
    if settings.mistakes:
        raise SettingsError("\n".join(settings.mistakes))
    return settings.accounts


def problems(text: str = "", **environ: str) -> list[str]:
    """Every mistake: of accounts, which stop no others, or of the settings as a whole."""
    try:
        settings = toml(text, environ)
        shown, mistakes = repr(settings), settings.mistakes
    except ConfigurationError as error:
        shown, mistakes = "".join(traceback.format_exception(error)) + repr(error), str(error).splitlines()
    assert mistakes
    assert SECRET not in shown
    return mistakes


def account_problems(base: dict[str, Any], drop: str = "", **changes: Any) -> list[str]:
    account = {key: value for key, value in {**base, **changes}.items() if key != drop}
    prefix = f'ORDERS_SYNC_ACCOUNTS: accounts[0] "{base["name"]}": '
    return [line.removeprefix(prefix) for line in problems(ORDERS_SYNC_ACCOUNTS=json.dumps([account]))]


class TestWhereSettingsComeFrom:
    def test_without_file_and_environment_there_are_only_defaults(self) -> None:
        settings = load(environ={})
        assert settings == Settings()
        assert settings.accounts == []
        assert settings.database == DatabaseSettings()
        assert settings.database.url is None
        assert settings.database.listen is None
        assert settings.home is None
        sync = settings.sync
        assert (sync.interval, sync.lag) == (timedelta(minutes=1), timedelta(seconds=10))
        assert (sync.overlap, sync.confirm) == (timedelta(minutes=10), timedelta(hours=3))
        assert sync.sweep == (Tier(3 * DAY, DAY / 144), Tier(30 * DAY, DAY / 24), Tier(90 * DAY, DAY))
        assert sync.sweep_final == 15 * DAY
        assert (sync.workers, sync.window_rows, sync.tries, sync.attempts) == (4, 2000, 5, 3)
        assert (sync.timeout, sync.largest_body) == (timedelta(seconds=60), 64 * 2**20)

    def test_argument_then_variable_then_the_folder(self) -> None:
        for name, workers in (("a.toml", 1), ("b.toml", 2), ("orders_sync.toml", 3)):
            Path(name).write_text(f"[sync]\nworkers = {workers}\n")
        environ = {"ORDERS_SYNC_CONFIG": "b.toml"}
        assert load(Path("a.toml"), environ).sync.workers == 1
        assert load(environ=environ).sync.workers == 2
        assert load(environ={}).sync.workers == 3
        assert load(environ={"ORDERS_SYNC_CONFIG": ""}).file == Path("orders_sync.toml")

    def test_a_named_file_must_exist(self) -> None:
        with pytest.raises(SettingsError, match=r"^no\.toml: no such file \(named by --config\)$"):
            load(Path("no.toml"), {})
        assert problems(ORDERS_SYNC_CONFIG="no.toml") == ["no.toml: no such file (named by ORDERS_SYNC_CONFIG)"]

    def test_a_folder_is_not_a_settings_file(self, folder: Path) -> None:
        with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
            load(folder, {})

    def test_environment_wins_over_file_key_by_key(self) -> None:
        settings = toml('[sync]\nlag = "30s"\nworkers = 2\n', {"ORDERS_SYNC_SYNC__LAG": "20s"})
        assert (settings.sync.lag, settings.sync.workers) == (timedelta(seconds=20), 2)

    def test_an_empty_variable_counts_as_not_set(self) -> None:
        settings = toml(
            '[sync]\nlag = "30s"\n', {"ORDERS_SYNC_SYNC__LAG": "", "DATABASE_URL": "", "ORDERS_SYNC_HOME": ""}
        )
        assert (settings.sync.lag, settings.database.url, settings.home) == (timedelta(seconds=30), None, None)

    def test_database_url_wins_over_its_variable_which_wins_over_the_file(self) -> None:
        text = '[database]\nurl = "postgresql://file/x"\n'
        variable = {"ORDERS_SYNC_DATABASE__URL": "postgresql://variable/x"}

        def url(environ: dict[str, str]) -> str:
            found = toml(text, environ).database.url
            assert found is not None
            return found.reveal()

        assert url({}) == "postgresql://file/x"
        assert url(variable) == "postgresql://variable/x"
        assert url({**variable, "DATABASE_URL": "postgres://host/x"}) == "postgresql://host/x"
        assert url({"DATABASE_URL": "postgresql+psycopg://host/x"}) == "postgresql://host/x"

    def test_a_home_of_nobody_is_taken_as_written(self) -> None:
        assert load(environ={"ORDERS_SYNC_HOME": "~nobody-of-that-name/x"}).home == Path("~nobody-of-that-name/x")

    def test_home_is_a_variable_and_not_a_key(self) -> None:
        assert load(environ={"ORDERS_SYNC_HOME": "/data"}).home == Path("/data")
        assert problems('home = "/data"') == ["orders_sync.toml: home: unknown key"]
        assert problems('config = "x"') == ["orders_sync.toml: config: unknown key"]

    def test_accounts_from_the_environment_replace_those_of_the_file(self) -> None:
        Path("orders_sync.toml").write_text('[[accounts]]\nname = "broken"\n')
        assert [a.name for a in accounts(SHOP, KA)] == ["kingdo", "ka"]

    def test_variables_kubernetes_makes_for_services_are_left_alone(self) -> None:
        names = ["SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP_ADDR", "CONSOLE_SERVICE_HOST"]
        assert load(environ={f"ORDERS_SYNC_{name}": "10.0.0.1" for name in names}) == Settings()


class TestAccounts:
    def test_a_1688_account(self) -> None:
        (shop,) = accounts(SHOP)
        assert isinstance(shop, Account1688)
        account = shop.account()
        assert (account.name, account.platform, account.base_url) == ("kingdo", "1688", URL_1688)
        assert (account.seller, account.app_id, account.app_secret) == ("kingdo", "app", SECRET)
        assert (account.own, account.refused_codes, account.throttled_codes) == ({}, (), ())

    def test_an_xportcn_account(self) -> None:
        changes = {"base_url": "http://127.0.0.1:8000/api", "timestamp_unit": "ms", "refused_codes": [401, "sign"]}
        (ka,) = accounts({**KA, **changes})
        assert isinstance(ka, AccountXportcn)
        account = ka.account()
        assert (account.base_url, account.own["timestamp_unit"]) == ("http://127.0.0.1:8000/api", "ms")
        assert (account.seller, account.app_id, account.app_secret) == ("u1", "key", SECRET)
        assert account.refused_codes == ("401", "sign")

    def test_pace_is_of_sync_unless_the_account_says_otherwise(self) -> None:
        own = {**SHOP, "interval": "5m", "lag": 0, "overlap": 0, "confirm": "1d", "page_size": 200}
        settings = toml("[sync]\nlag = 7\noverlap = 70\n", {"ORDERS_SYNC_ACCOUNTS": json.dumps([own, KA])})
        own_pace, ka_pace = (settings.policy(account) for account in settings.accounts)
        assert (own_pace.interval, own_pace.lag) == (timedelta(minutes=5), timedelta(0))
        assert (own_pace.overlap, own_pace.confirm) == (timedelta(0), timedelta(days=1))
        assert (ka_pace.interval, ka_pace.lag) == (timedelta(minutes=1), timedelta(seconds=7))
        assert (ka_pace.overlap, ka_pace.confirm) == (timedelta(seconds=70), timedelta(hours=3))
        assert (own_pace.page_size, ka_pace.page_size) == (200, 100)
        assert ka_pace.requests_per_second == 5

    def test_each_platform_takes_its_own_words_only(self) -> None:
        assert account_problems(SHOP, drop="app_secret", access_secret=SECRET) == [
            "access_secret: is another platform's word: for this one write app_secret"
        ]
        assert account_problems(KA, drop="user_id", seller_nick="x") == [
            "seller_nick: is another platform's word: for this one write user_id"
        ]
        assert account_problems(SHOP, timestamp_unit="s") == ["timestamp_unit: unknown key"]

    def test_numbers_stand_for_text_where_text_is_a_number(self) -> None:
        (ka,) = accounts({**KA, "user_id": 2218427022945})
        assert ka.account().seller == "2218427022945"
        (shop,) = accounts({**SHOP, "platform": 1688})
        assert shop.platform == "1688"

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("2026-01-02", datetime(2026, 1, 2, tzinfo=SHANGHAI)),
            ('"2026-01-02"', datetime(2026, 1, 2, tzinfo=SHANGHAI)),
            ("2026-01-02T03:04:05.678", datetime(2026, 1, 2, 3, 4, 5, tzinfo=SHANGHAI)),
            ('"2026-01-02 03:04:05"', datetime(2026, 1, 2, 3, 4, 5, tzinfo=SHANGHAI)),
            ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ],
    )
    def test_history_from(self, written: str, meant: datetime) -> None:
        lines = [f"{key} = {json.dumps(value)}" for key, value in SHOP.items() if key != "history_from"]
        settings = toml("[[accounts]]\n" + "\n".join(lines) + f"\nhistory_from = {written}\n")
        assert settings.policy(settings.accounts[0]).history_from == meant

    def test_page_sizes_are_the_platforms(self) -> None:
        for size in (1, 100, 200, 500):
            assert accounts({**SHOP, "page_size": size})[0].page_size == size
        for size in (0, 101, 250, 600):
            assert account_problems(SHOP, page_size=size) == [
                f"page_size: must be from 1 to 100, or 200, 300, 400 or 500 on 1688 (got {size})"
            ]
        assert accounts({**KA, "page_size": 250})[0].page_size == 250
        assert account_problems(KA, page_size=501) == ["page_size: must be from 1 to 500 (got 501)"]

    def test_longest_windows_are_the_platforms(self) -> None:
        settings = toml("", {"ORDERS_SYNC_ACCOUNTS": json.dumps([{**SHOP, "longest_window": "1d"}, KA])})
        paces = [settings.policy(account) for account in settings.accounts]
        assert [policy.longest_window for policy in paces] == [timedelta(days=1), timedelta(days=31)]
        assert account_problems(SHOP, longest_window="29d") == ['longest_window: must be from 1h to 28d (got "29d")']
        assert account_problems(KA, longest_window="1.5s") == ['longest_window: must be from 1h to 3650d (got "1.5s")']


class TestMistakes:
    def test_every_mistake_is_reported_at_once_with_its_place(self) -> None:
        text = """
acounts = 1
[sync]
lagg = 1
interval = "10 minutes"
[[accounts]]
name = "ok"
platform = "1688"
seller_nick = "x"
app_id = "x"
app_secret = "x"
history_from = 2025-01-01
[[accounts]]
name = "kingdo"
platform = "168"
history_from = 2999-01-01
[[accounts]]
name = "ok"
platform = "xportcn_ka"
user_id = "u"
access_secret = "x"
history_from = 2025-01-01
"""
        lines = problems(text, ORDERS_SYNC_SYNC__LAG="x", ORDERS_SYNC_SYNC__LAGG="1", DATABASE_URL="mysql://x")
        assert [line.replace("orders_sync.toml", "FILE") for line in lines] == [
            "ORDERS_SYNC_SYNC__LAGG: unknown variable (did you mean ORDERS_SYNC_SYNC__LAG?)",
            'FILE: accounts[1] "kingdo": platform: must be one of 1688, xportcn_ka, xportcn_open (got "168")',
            'FILE: accounts[1] "kingdo": history_from: lies in the future (got "2999-01-01")',
            'FILE: accounts[2] "ok": name: is already the name of accounts[0]',
            'FILE: accounts[2] "ok": access_key: is required',
            "FILE: acounts: unknown key (did you mean accounts?)",
            "DATABASE_URL: must be a URL without spaces: postgresql://user:password@host:5432/database",
            'FILE: [sync] interval: must be a duration: seconds, or 10s, 10m, 3h, 2d (got "10 minutes")',
            'ORDERS_SYNC_SYNC__LAG: must be a duration: seconds, or 10s, 10m, 3h, 2d (got "x")',
            "FILE: [sync] lagg: unknown key (did you mean lag?)",
        ]

    def test_a_former_name_is_taken_and_a_warning_names_the_new_one(self) -> None:
        settings = toml("[sync]\nretries = 7\n")
        assert settings.sync.tries == 7
        assert settings.warnings == [
            "orders_sync.toml: [sync] retries: is called tries now: rename it, this name goes with the next version"
        ]
        settings = toml("", {"ORDERS_SYNC_SYNC__RETRIES": "8"})
        assert settings.sync.tries == 8
        assert settings.warnings == [
            "ORDERS_SYNC_SYNC__RETRIES: is called ORDERS_SYNC_SYNC__TRIES now: rename it, this name goes with "
            "the next version"
        ]
        assert toml("[sync]\ntries = 7\n", {"ORDERS_SYNC_SYNC__TRIES": "8"}).warnings == []

    def test_a_former_variable_wins_over_the_file_as_every_variable_does(self) -> None:
        settings = toml("[sync]\ntries = 7\n", {"ORDERS_SYNC_SYNC__RETRIES": "8"})
        assert (settings.sync.tries, len(settings.warnings)) == (8, 1)
        settings = toml("[sync]\nretries = 7\n", {"ORDERS_SYNC_SYNC__TRIES": "8", "ORDERS_SYNC_SYNC__RETRIES": ""})
        assert (settings.sync.tries, len(settings.warnings)) == (8, 1)

    def test_a_former_name_beside_the_new_one_is_a_mistake(self) -> None:
        assert problems("[sync]\nretries = 7\ntries = 7\n") == [
            "orders_sync.toml: [sync] retries: is called tries now, which is there too: remove retries"
        ]
        assert problems(ORDERS_SYNC_SYNC__RETRIES="7", ORDERS_SYNC_SYNC__TRIES="7") == [
            "ORDERS_SYNC_SYNC__RETRIES: is called ORDERS_SYNC_SYNC__TRIES now, which is there too: "
            "remove ORDERS_SYNC_SYNC__RETRIES"
        ]

    def test_a_mistake_under_a_former_name_is_shown_as_it_is_written(self) -> None:
        assert problems("[sync]\nretries = 0\n") == ["orders_sync.toml: [sync] retries: must be from 1 to 20 (got 0)"]
        assert problems(ORDERS_SYNC_SYNC__RETRIES="x")[0].startswith("ORDERS_SYNC_SYNC__RETRIES: must be")

    def test_toml_syntax_has_line_and_column(self) -> None:
        assert problems("[sync]\nlag = 10s\n") == [
            "orders_sync.toml: is not TOML: Expected newline or end of document after a statement (at line 2, column 9)"
        ]

    def test_a_file_that_is_not_text(self) -> None:
        Path("x.toml").write_bytes(b"# \xff")
        with pytest.raises(SettingsError, match=r"^x\.toml: is not UTF-8 text \(byte 2\)$"):
            load(Path("x.toml"), {})

    @pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 3000])
    def test_toml_that_breaks_the_parser_is_one_message(self, text: str) -> None:
        (line,) = problems(text)
        assert line.startswith("orders_sync.toml: is not TOML: ")

    def test_a_key_with_control_characters_stays_on_its_line(self) -> None:
        assert problems('"a\\nb" = 1') == ['orders_sync.toml: "a\\nb": unknown key']
        assert problems('[sync]\n"a\\nb" = 1') == ['orders_sync.toml: [sync] "a\\nb": unknown key']
        assert account_problems({**SHOP, "a\nb": 1}) == ['"a\\nb": unknown key']

    def test_variables_are_upper_case_and_name_one_key(self) -> None:
        hint = "unknown variable (did you mean ORDERS_SYNC_SYNC__LAG?)"
        assert problems(orders_sync_sync__lag="1") == [f"orders_sync_sync__lag: {hint}"]
        assert problems(ORDERS_SYNC_SYNC="{}") == [f"ORDERS_SYNC_SYNC: {hint}"]

    def test_a_byte_order_mark_is_no_mistake(self) -> None:
        Path("x.toml").write_bytes(b"\xef\xbb\xbf[sync]\nworkers = 9\n")
        assert load(Path("x.toml"), {}).sync.workers == 9

    def test_json_syntax_of_the_accounts(self) -> None:
        text = json.dumps([SHOP])[:-1]
        (line,) = problems(ORDERS_SYNC_ACCOUNTS=text)
        assert line.startswith("ORDERS_SYNC_ACCOUNTS: is not JSON: Expecting ',' delimiter: line 1 column ")

    def test_shapes(self) -> None:
        assert problems("sync = 3") == ["orders_sync.toml: sync: must be a table"]
        assert problems("[accounts]") == ["orders_sync.toml: accounts: must be a list of tables: [[accounts]]"]
        assert problems("accounts = [1]") == ["orders_sync.toml: accounts[0]: must be a table"]
        assert problems(ORDERS_SYNC_ACCOUNTS="{}") == ["ORDERS_SYNC_ACCOUNTS: must be a list of tables: [[accounts]]"]
        assert problems("sync = 3", ORDERS_SYNC_SYNC__LAG="1") == ["orders_sync.toml: sync: must be a table"]

    @pytest.mark.parametrize("key", ["name", "platform", "history_from", "seller_nick", "app_id", "app_secret"])
    def test_required(self, key: str) -> None:
        lines = problems(ORDERS_SYNC_ACCOUNTS=json.dumps([{k: v for k, v in SHOP.items() if k != key}]))
        assert [line.rpartition("]")[2].removeprefix(' "kingdo"') for line in lines] == [f": {key}: is required"]

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("name", "a b", 'must be 1 to 64 letters, digits, - _ . and not begin with - or . (got "a b")'),
            ("name", None, "must be 1 to 64 letters, digits, - _ . and not begin with - or . (got null)"),
            ("name", "", 'must be 1 to 64 letters, digits, - _ . and not begin with - or . (got "")'),
            ("requests_per_second", 0, "must be a number above 0, at most 1000 (got 0)"),
            ("requests_per_second", True, "must be a number above 0, at most 1000 (got true)"),
            ("requests_per_second", float("nan"), "must be a number above 0, at most 1000 (got NaN)"),
            ("base_url", "https://x/", "must not end with /"),
            ("seller_nick", "", "is empty"),
            ("app_id", True, "must be text in quotes"),
            ("refused_codes", "401", 'must be a list of codes, such as [401, "invalid-sign"]'),
            ("throttled_codes", [True], "must be text in quotes"),
            ("history_from", "1998-12-31", 'lies before 1999 (got "1998-12-31")'),
            ("requests_per_secnd", 1, "unknown key (did you mean requests_per_second?)"),
        ],
    )
    def test_values(self, key: str, value: object, words: str) -> None:
        (line,) = problems(ORDERS_SYNC_ACCOUNTS=json.dumps([{**SHOP, key: value}]))
        name = value if key == "name" else "kingdo"
        named = "" if name is None else f' "{name}"'
        assert line == f"ORDERS_SYNC_ACCOUNTS: accounts[0]{named}: {key}: {words}"

    @pytest.mark.parametrize(
        "url",
        [
            "kf.fw199.com",
            "ftp://x",
            "https://u:pw@x",
            "https://x/?a=b",
            "https://x y",
            5,
            "http://[::1",
            "http://x:y",
            "http://x:99999",
            "http://x:0",
            "https://a..b",
            f"https://{'a' * 64}.com",
        ],
    )
    def test_base_url(self, url: object) -> None:
        assert account_problems(SHOP, base_url=url) == [
            "base_url: must be an http or https URL without user, query or spaces, such as https://kf.fw199.com"
        ]

    def test_access_key_travels_in_a_header(self) -> None:
        assert account_problems(KA, access_key="钥匙") == ["access_key: must be ASCII: it travels in an HTTP header"]

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("interval", "0s", 'must be from 0.1s to 7d (got "0s")'),
            ("lag", "-1s", 'must be from 0s to 1d (got "-1s")'),
            ("lag", "1.5s", 'must be whole seconds (got "1.5s")'),
            ("overlap", "99999999999999d", 'is absurdly long (got "99999999999999d")'),
            ("confirm", "31d", 'must be from 0s to 30d (got "31d")'),
            ("sweep", "3d", 'must be ages that grow and how often, such as "3d every 10m, 30d every 1h" (got "3d")'),
            ("sweep", "3d every 1s", 'nothing is swept more often than every 1m (got "3d every 1s")'),
            ("sweep_final", "366d", 'must be from 0s to 365d (got "366d")'),
            ("timeout", "0", 'must be from 1s to 10m (got "0")'),
            ("workers", "0", 'must be from 1 to 256 (got "0")'),
            ("workers", "4.5", 'must be a whole number (got "4.5")'),
            ("largest_body", "64TB", 'must be a size: bytes, or 512kB, 64MB, 1GB (got "64TB")'),
            ("largest_body", "1kB", 'must be from 64kB to 1GB (got "1kB")'),
        ],
    )
    def test_sync_values_from_the_environment(self, key: str, value: str, words: str) -> None:
        variable = f"ORDERS_SYNC_SYNC__{key.upper()}"
        assert problems(**{variable: value}) == [f"{variable}: {words}"]

    @pytest.mark.parametrize("listen", ["5433", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:5433"])
    def test_listen(self, listen: str) -> None:
        (line,) = problems(f'[database]\nlisten = "{listen}"')
        assert line.startswith('orders_sync.toml: [database] listen: must be address:port, such as "127.0.0.1:5433"')

    def test_listen_takes_addresses_and_names(self) -> None:
        for listen in ("127.0.0.1:5433", "localhost:1", "[::1]:65535"):
            assert toml(f'[database]\nlisten = "{listen}"').database.listen == listen


class TestOneBadAccount:
    """Promised: a mistake in one account leaves all others in use, whatever it is."""

    WRONG: ClassVar[dict[str, Any]] = {
        "secret": {"app_secret": {"env": "NOT_SET"}},
        "file": {"app_id": {"file": "/no/such/file"}},
        "value": {"page_size": 0},
        "platform": {"platform": "another"},
        "key": {"app_secrte": SECRET},
        "name": {"name": "a b"},
        "no name": {"name": None},
        "same name": {"name": "good"},
        "same seller": {"seller_nick": "good"},
        "table": None,
    }

    @pytest.mark.parametrize("kind", WRONG)
    @pytest.mark.parametrize("is_first", [True, False])
    def test_leaves_the_others(self, kind: str, is_first: bool) -> None:
        wrong = self.WRONG[kind]
        bad = 5 if wrong is None else {**SHOP, **wrong}
        good = [{**SHOP, "name": "good", "seller_nick": "good"}, KA]
        several = [bad, *good] if is_first and not kind.startswith("same") else [*good, bad]
        settings = load(environ={"ORDERS_SYNC_ACCOUNTS": json.dumps(several)}, with_secrets=True)
        assert [each.name for each in settings.accounts] == ["good", "ka"]
        [found] = settings.misconfigured
        assert f"accounts[{several.index(bad)}]" in str(found)
        assert SECRET not in repr(settings)

    def test_has_its_name_and_identity_as_far_as_they_are_certain(self) -> None:
        def found(**changes: object) -> tuple[str, str | None, object]:
            environ = {"ORDERS_SYNC_ACCOUNTS": json.dumps([{**SHOP, "page_size": 0, **changes}])}
            [each] = load(environ=environ).misconfigured
            return each.label, each.name, each.identity

        identity = Identity("1688", "kf.fw199.com", "kingdo")
        assert found() == ("kingdo", "kingdo", identity)
        assert found(name="a b") == ("accounts[0]", None, identity)
        assert found(base_url="http://H:80/x") == ("kingdo", "kingdo", replace(identity, host="h"))
        for unknown in ({"base_url": "h"}, {"platform": "another"}, {"seller_nick": ""}):
            assert found(**unknown) == ("kingdo", "kingdo", None)

    def test_a_variable_for_an_account_that_is_gone_stops_none(self) -> None:
        settings = toml("", {"ORDERS_SYNC_ACCOUNTS": json.dumps([SHOP]), "ORDERS_SYNC_ACCOUNTS__GONE__APP_SECRET": "x"})
        assert [each.name for each in settings.accounts] == ["kingdo"]
        [mistake] = settings.mistakes
        assert mistake.startswith("ORDERS_SYNC_ACCOUNTS__GONE__APP_SECRET: unknown variable")

    def test_does_not_hide_a_mistake_outside_of_accounts(self) -> None:
        text = json.dumps([{**SHOP, "app_secret": {"env": "NOT_SET"}}])
        with pytest.raises(
            ConfigurationError, match=r"app_secret: environment variable NOT_SET .*\n.*\[sync\] lag: must"
        ):
            toml("[sync]\nlag = 'x'\n", {"ORDERS_SYNC_ACCOUNTS": text})


class TestSecretsAreReadWhenACallIsMade:
    def test_settings_are_loaded_without_any(self) -> None:
        shop = {**SHOP, "app_id": {"env": "A"}, "app_secret": {"file": "/no/such/file"}}
        settings = load(environ={"ORDERS_SYNC_ACCOUNTS": json.dumps([shop])})
        [account] = settings.accounts
        assert (account.name, settings.mistakes) == ("kingdo", [])
        with pytest.raises(SettingsError, match=r"accounts\[0\] \"kingdo\": app_id: environment variable A is not set"):
            account.account()
        assert account.unreadable_secrets() == (
            'ORDERS_SYNC_ACCOUNTS: accounts[0] "kingdo": app_id: environment variable A is not set',
            'ORDERS_SYNC_ACCOUNTS: accounts[0] "kingdo": app_secret: file /no/such/file cannot be read: '
            "No such file or directory",
        )

    def test_what_is_wrong_in_the_file_itself_is_found_without(self) -> None:
        for wrong in ("", f" {SECRET}", {}, {"env": SECRET, "file": "x"}, 5):
            settings = load(environ={"ORDERS_SYNC_ACCOUNTS": json.dumps([{**SHOP, "app_secret": wrong}])})
            assert len(settings.mistakes) == 1

    def test_each_has_a_source_to_show(self) -> None:
        Path("token").write_text(f"{SECRET}-0123456789")
        shop = {**SHOP, "app_id": {"env": SECRET}}
        ka = {**KA, "access_key": {"env": "KEY"}, "hook_token": {"file": str(Path("token").absolute())}}
        environ = {
            "ORDERS_SYNC_ACCOUNTS": json.dumps([shop, ka]),
            "ORDERS_SYNC_ACCOUNTS__KA__ACCESS_SECRET": SECRET,
            "DATABASE_URL": "postgresql://host/x",
        }
        settings = load(environ=environ)
        assert settings.database.url is not None
        assert settings.database.url.place == "variable DATABASE_URL"
        sources = [secret.place for account in settings.accounts for secret in account.secrets]
        assert sorted(sources) == [
            f"file {Path('token').absolute()}",
            "variable KEY",
            "variable ORDERS_SYNC_ACCOUNTS__KA__ACCESS_SECRET",
            "variable named here",
            "written in the settings",
        ]


class TestSecrets:
    def test_from_a_variable_or_a_file(self, folder: Path) -> None:
        Path("secret").write_text(f"{SECRET}\n")
        for reference in ({"env": "KINGDO_SECRET"}, {"file": str(folder / "secret")}, {"file": "secret"}):
            (shop,) = accounts({**SHOP, "app_secret": reference}, KINGDO_SECRET=SECRET)
            assert shop.account().app_secret == SECRET

    @pytest.mark.parametrize("written", [f"{SECRET}\n", f"{SECRET}\r\n", f"\ufeff{SECRET}", f"\ufeff{SECRET}\r\n\n"])
    def test_what_editors_and_shells_put_around_a_secret_is_no_part_of_it(self, written: str) -> None:
        Path("secret").write_bytes(written.encode())
        for reference in ({"env": "KINGDO_SECRET"}, {"file": "secret"}):
            (shop,) = accounts({**SHOP, "app_secret": reference}, KINGDO_SECRET=written)
            assert shop.account().app_secret == SECRET
        (shop,) = accounts(SHOP, ORDERS_SYNC_ACCOUNTS__KINGDO__APP_SECRET=written)
        assert shop.account().app_secret == SECRET

    @pytest.mark.parametrize("written", ["\ufeff", "\r\n", "\ufeff\n"])
    def test_a_secret_of_nothing_else_is_empty(self, written: str, folder: Path) -> None:
        Path("secret").write_bytes(written.encode())
        for reference, what in (
            ({"env": "NAME"}, "environment variable NAME"),
            ({"file": "secret"}, f"file named here, in folder {folder},"),
            ({"file": "./secret"}, f"file {folder}/secret"),
        ):
            (line,) = problems(ORDERS_SYNC_ACCOUNTS=json.dumps([{**SHOP, "app_secret": reference}]), NAME=written)
            assert line.endswith(f"app_secret: {what} is empty")

    def test_a_relative_file_starts_at_the_settings_file(self, folder: Path) -> None:
        (folder / "etc").mkdir()
        (folder / "etc" / "secret").write_text(SECRET)
        lines = [f"{key} = {json.dumps(value)}" for key, value in SHOP.items() if key != "app_secret"]
        (folder / "etc" / "x.toml").write_text(
            "[[accounts]]\n" + "\n".join(lines) + '\napp_secret = { file = "secret" }\n'
        )
        assert load(folder / "etc" / "x.toml", {}).accounts[0].account().app_secret == SECRET

    def test_the_accounts_own_variable_wins(self) -> None:
        shop = {**SHOP, "name": "my-1688.shop", "app_secret": {"env": "NOT_SET"}}
        (found,) = accounts(shop, ORDERS_SYNC_ACCOUNTS__MY_1688_SHOP__APP_SECRET="other")
        assert found.account().app_secret == "other"
        (ka,) = accounts({**KA, "access_secret": {"env": "NOT_SET"}}, ORDERS_SYNC_ACCOUNTS__KA__ACCESS_SECRET="other")
        assert ka.account().app_secret == "other"

    def test_a_variable_of_no_account_is_unknown(self) -> None:
        assert problems(ORDERS_SYNC_ACCOUNTS=json.dumps([SHOP]), ORDERS_SYNC_ACCOUNTS__KINGO__APP_SECRET=SECRET) == [
            "ORDERS_SYNC_ACCOUNTS__KINGO__APP_SECRET: unknown variable"
            " (did you mean ORDERS_SYNC_ACCOUNTS__KINGDO__APP_SECRET?)"
        ]

    def test_a_variable_that_fits_two_accounts_is_refused(self) -> None:
        text = json.dumps([{**SHOP, "name": "a-b"}, {**SHOP, "name": "a.b"}])
        variable = "ORDERS_SYNC_ACCOUNTS__A_B__APP_SECRET"
        assert problems(ORDERS_SYNC_ACCOUNTS=text, **{variable: SECRET}) == (
            [f"{variable}: is the variable of several accounts: rename them"] * 2
        )

    @pytest.mark.parametrize(
        ("secret", "words"),
        [
            ("", "is empty"),
            (f" {SECRET}", "has white space around it, or a line break or control character inside"),
            (f"{SECRET}\n", "has white space around it, or a line break or control character inside"),
            (f"a\0{SECRET}", "has white space around it, or a line break or control character inside"),
            ([SECRET], 'must be text in quotes, { env = "NAME" } or { file = "/path" }'),
            (12345, 'must be text in quotes, { env = "NAME" } or { file = "/path" }'),
            ({}, 'must be text in quotes, { env = "NAME" } or { file = "/path" }'),
            ({SECRET: "x"}, 'must be text in quotes, { env = "NAME" } or { file = "/path" }'),
            ({"env": SECRET, "file": "x"}, 'must be text in quotes, { env = "NAME" } or { file = "/path" }'),
            ({"env": [SECRET]}, 'must be text in quotes, { env = "NAME" } or { file = "/path" }'),
            ({"env": SECRET}, "environment variable named here is not set"),
            ({"env": "NOT_SET"}, "environment variable NOT_SET is not set"),
            ({"env": "EMPTY"}, "environment variable EMPTY is empty"),
            ({"file": SECRET}, "file named here, in folder FOLDER, cannot be read: No such file or directory"),
            (
                {"file": f"keys/{SECRET}"},
                "file named here, in folder FOLDER, cannot be read: No such file or directory",
            ),
            ({"file": "keys/app.txt"}, "file FOLDER/keys/app.txt cannot be read: No such file or directory"),
            ({"file": "../app"}, "file FOLDER/../app cannot be read: No such file or directory"),
            ({"file": "/no/such/file"}, "file /no/such/file cannot be read: No such file or directory"),
            ({"file": "empty"}, "file named here, in folder FOLDER, is empty"),
            ({"file": "binary"}, "file named here, in folder FOLDER, is not UTF-8 text"),
        ],
    )
    def test_malformed_secrets_are_described_and_never_shown(self, secret: object, words: str, folder: Path) -> None:
        Path("empty").write_text("\n")
        Path("binary").write_bytes(b"\xff\xfe")
        text = json.dumps([{**SHOP, "app_secret": secret}])
        assert problems(ORDERS_SYNC_ACCOUNTS=text, EMPTY="") == [
            f'ORDERS_SYNC_ACCOUNTS: accounts[0] "kingdo": app_secret: {words.replace("FOLDER", str(folder))}'
        ]

    def test_a_hook_token_comes_from_where_secrets_come_from_and_is_not_needed(self) -> None:
        token = f"{SECRET}-0123456789"
        references = accounts(
            {**KA, "hook_token": token},
            {**KA, "name": "b", "user_id": "u2", "hook_token": {"env": "TOKEN"}},
            {**KA, "name": "c-d", "user_id": "u3", "hook_token": {"env": "NOT_SET"}},
            {**KA, "name": "e", "user_id": "u4"},
            TOKEN=token,
            ORDERS_SYNC_ACCOUNTS__C_D__HOOK_TOKEN=token,
        )
        found = [account.hook_token for account in references if isinstance(account, AccountXportcn)]
        assert [each and each.reveal() for each in found] == [token, token, token, None]
        assert token not in f"{references!r}"

    @pytest.mark.parametrize("token", [SECRET, f"{SECRET}/0123456789", f"{SECRET} 0123456789", SECRET + "é" * 16])
    def test_a_hook_token_that_can_be_guessed_or_is_no_part_of_a_url_is_refused_and_not_shown(self, token: str) -> None:
        assert account_problems(KA, hook_token=token) == [
            "hook_token: must be 16 to 255 of letters, digits, - . _ ~: it is the end of a URL that nobody may guess"
        ]

    def test_a_hook_token_that_is_not_found_is_one_complaint_and_1688_has_none(self) -> None:
        assert account_problems(KA, hook_token={"env": "NOT_SET"}) == [
            "hook_token: environment variable NOT_SET is not set"
        ]
        assert account_problems(SHOP, hook_token=f"{SECRET}-0123456789") == ["hook_token: unknown key"]

    def test_a_secret_without_quotes_is_not_in_the_syntax_error(self) -> None:
        (line,) = problems(f"[[accounts]]\napp_secret = {SECRET}\n")
        assert line == "orders_sync.toml: is not TOML: Invalid value (at line 2, column 14)"

    def test_a_mistyped_secret_key_shows_the_key_only(self) -> None:
        assert account_problems(SHOP, app_secrte=SECRET) == ["app_secrte: unknown key (did you mean app_secret?)"]

    @pytest.mark.parametrize("url", [f"mysql://u:{SECRET}@h/d", f"postgresql://u:{SECRET} @h/d", SECRET])
    def test_a_malformed_database_url_is_never_shown(self, url: str) -> None:
        assert problems(DATABASE_URL=url) == [
            "DATABASE_URL: must be a URL without spaces: postgresql://user:password@host:5432/database"
        ]
        (line,) = problems(f"[database]\nurl = {json.dumps(url)}")
        assert line.startswith("orders_sync.toml: [database] url: must be a URL")

    def test_what_is_called_like_a_secret_is_one(self) -> None:
        models = [*SECTIONS.values(), *(platform.settings for platform in PLATFORMS.values())]
        named = {key: each for model in models for key, each in fields(model).items() if SECRET_NAME.search(key)}
        assert named.keys() >= {"app_id", "app_secret", "access_key", "access_secret", "hook_token"}
        assert [key for key, each in named.items() if not is_secret(each.type)] == []

    def test_the_database_and_what_apps_are_called_come_from_where_secrets_come_from(self) -> None:
        Path("url").write_text(f"postgres://u:{SECRET}@h/d\n")
        toml_text = "[database]\nurl = { file = 'url' }\n"
        assert toml(toml_text).database.url == Secret(f"postgresql://u:{SECRET}@h/d")
        (shop,) = accounts({**SHOP, "app_id": {"env": "APP"}}, APP="app\n")
        assert shop.account().app_id == "app"
        (ka,) = accounts(KA, ORDERS_SYNC_ACCOUNTS__KA__ACCESS_KEY="another")
        assert ka.account().app_id == "another"

    def test_null_is_left_out(self) -> None:
        (ka,) = accounts({**KA, "page_size": None, "lag": None, "hook_token": None, "base_url": None})
        assert (ka.page_size, ka.lag, ka.base_url) == (100, None, URL_XPORTCN)
        assert account_problems(KA, history_from=None, access_secret=None) == [
            'access_secret: must be text in quotes, { env = "NAME" } or { file = "/path" }',
            'history_from: must be a date or a time, such as "2026-08-01" or "2026-08-01T12:00:00+08:00" (got null)',
        ]

    def test_no_repr_shows_a_secret(self) -> None:
        environ = {
            "ORDERS_SYNC_ACCOUNTS": json.dumps([SHOP, KA]),
            "DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
        }
        settings = load(environ=environ)
        shown = [repr(settings), str(settings), repr(settings.accounts[0].account()), f"{settings.database}"]
        assert not any(SECRET in text for text in shown)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)
HOLDS_SECRET = st.sampled_from([SECRET, f" {SECRET}", f"{SECRET}\0", f"{SECRET} 钥"]).flatmap(
    lambda text: st.sampled_from(
        [text, [text], {text: 1}, {"env": text}, {"file": text}, {"file": text, "x": 1}, {"env": {"env": text}}]
    )
)


class TestAnything:
    """Bad input is one `SettingsError`, whatever it is; and it shows no secret (P8)."""

    @given(st.sampled_from([SHOP, KA]), st.dictionaries(st.sampled_from(sorted({**SHOP, **KA, **MORE})), JSON))
    def test_of_accounts(self, base: dict[str, Any], changes: dict[str, object]) -> None:
        with contextlib.suppress(SettingsError):
            [account] = accounts({**base, **changes})
            assert account.account().platform in PLATFORMS

    @given(st.data())
    def test_of_sections(self, data: st.DataObject) -> None:
        section = data.draw(st.sampled_from(sorted(SECTIONS)))
        key = data.draw(st.sampled_from(sorted(fields(SECTIONS[section]))))
        text = data.draw(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8))
        with contextlib.suppress(SettingsError):
            load(environ={f"ORDERS_SYNC_{section}__{key}".upper(): text})

    @given(st.sampled_from([SHOP, KA]), st.data())
    def test_for_a_secret_is_not_shown_P8(self, base: dict[str, Any], data: st.DataObject) -> None:
        model = PLATFORMS[base["platform"]].settings
        key = data.draw(st.sampled_from([key for key, each in fields(model).items() if is_secret(each.type)]))
        value = data.draw(HOLDS_SECRET)
        try:
            environ = {"ORDERS_SYNC_ACCOUNTS": json.dumps([{**base, key: value}])}
            settings = load(environ=environ, with_secrets=True)
            shown = repr(settings) + "".join(settings.mistakes)
        except SettingsError as error:
            shown = "".join(traceback.format_exception(error))
        assert SECRET not in shown


class TestDurations:
    @given(st.integers(0, 10**6), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("", 1)]))
    def test_text_is_its_number_times_its_unit(self, number: int, unit: tuple[str, int]) -> None:
        assert duration(f"{number}{unit[0]}") == timedelta(seconds=number * unit[1])

    @given(st.floats(0, 10**6) | st.integers(0, 10**6))
    def test_numbers_are_seconds(self, number: float) -> None:
        assert abs(duration(number) - timedelta(seconds=number)) <= timedelta(microseconds=1)

    @given(st.text() | st.floats() | st.integers() | st.booleans() | st.none() | st.lists(st.integers()))
    def test_anything_else_is_a_value_error_and_nothing_worse(self, value: object) -> None:
        with contextlib.suppress(ValueError):
            assert isinstance(duration(value), timedelta)


class TestPapers:
    """The example and the table of docs/settings.md hold every key, with its default."""

    EXAMPLE = (ROOT / "orders_sync.example.toml").read_text(encoding="utf-8")
    SECRETS: ClassVar = {
        "MY_1688_SECRET": "a",
        "MY_TAOBAO_SECRET": "b",
        "MY_KA_SECRET": "c",
        "MY_TAOBAO_HOOK_TOKEN": "d" * 16,
    }

    def test_the_example_is_valid_as_it_is(self) -> None:
        settings = toml(self.EXAMPLE, self.SECRETS)
        assert [account.platform for account in settings.accounts] == ["1688", "xportcn_open", "xportcn_ka"]

    def test_the_examples_comments_are_the_defaults(self) -> None:
        text = re.sub(r"(?m)^# (\w+ = )", r"\1", self.EXAMPLE)
        settings, written = toml(text, self.SECRETS), tomllib.loads(text)
        assert settings.sync == SyncSettings()
        for section, model in SECTIONS.items():
            assert written[section].keys() == fields(model).keys()
        for section in ("service", "log"):
            assert getattr(settings, section) == SECTIONS[section]()
        assert msgspec.structs.replace(settings.retention, history=None, raw=None) == RetentionSettings()
        shop, taobao, _ = settings.accounts
        assert written["accounts"][0].keys() == fields(Account1688).keys()
        assert written["accounts"][1].keys() >= fields(AccountXportcn).keys() - fields(SyncSettings).keys()
        for account in (shop, taobao):
            platform = PLATFORMS[account.platform]
            assert account.base_url == platform.base_url
            assert account.page_size == platform.page_size
            assert account.longest_window == platform.longest_window
            assert account.refused_codes == platform.refused_codes
            assert account.throttled_codes == platform.throttled_codes

    def test_the_docs_name_every_key_and_variable(self) -> None:
        docs = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
        for section, model in SECTIONS.items():
            for key in fields(model):
                assert re.search(rf"(?mi)^\| `{key}` \|.*`ORDERS_SYNC_{section}__{key}`", docs), key
        for key in {*fields(Account1688), *fields(AccountXportcn)}:
            assert f"`{key}`" in docs.partition("## `[[accounts]]`")[2], key


class TestNotify:
    URL = f"dingtalk://{SECRET}x0123456789/"

    def test_without_the_section_no_notice_is_sent(self) -> None:
        notify = load(environ={}).notify
        assert (notify.urls, notify.kinds, notify.language) == ((), tuple(ProblemKind), "en")
        assert (notify.delay, notify.quiet_hours) == (timedelta(minutes=5), None)

    def test_urls_come_from_where_secrets_come_from_and_no_repr_shows_them(self) -> None:
        Path("url").write_text(f"{self.URL}\n")
        text = f'[notify]\nurls = ["{self.URL}", {{ env = "DING" }}, {{ file = "url" }}]\n'
        notify = toml(text, {"DING": self.URL}).notify
        assert SECRET not in repr(notify)
        assert [each.place for each in notify.urls] == ["written in the settings", "variable DING", "file named here"]
        assert [each.reveal() for each in notify.urls] == [self.URL] * 3
        variable = {"ORDERS_SYNC_NOTIFY__URLS": f"{self.URL}  json://b\njson://c"}
        assert [each.reveal() for each in toml(text, variable).notify.urls] == [self.URL, "json://b", "json://c"]
        assert len(toml(f'[notify]\nurls = "{self.URL}"\n').notify.urls) == 1

    def test_a_url_that_is_not_there_is_a_mistake_only_where_a_notice_is_sent(self) -> None:
        [url] = toml('[notify]\nurls = [{ env = "NOT_SET" }]\n').notify.urls
        with pytest.raises(SettingsError, match=r"\[notify\] urls\[0\]: environment variable NOT_SET is not set"):
            url.reveal()

    @pytest.mark.parametrize("url", [SECRET, f"dingtalk://{SECRET} x", "://x", "ding talk://x", f"json://{SECRET}\\n"])
    def test_what_is_no_url_is_refused_and_not_shown(self, url: str) -> None:
        [line] = problems(f'[notify]\nurls = ["{url}"]\n')
        assert line.startswith("orders_sync.toml: [notify] urls: must be the URL of a messenger")

    @pytest.mark.parametrize("urls", ["5", "[5]", "[[]]", "[{}]", '[{ env = "A", file = "b" }]'])
    def test_urls_of_another_shape_are_refused(self, urls: str) -> None:
        [line] = problems(f"[notify]\nurls = {urls}\n")
        assert line.endswith('[notify] urls: must be text in quotes, { env = "NAME" } or { file = "/path" }')

    def test_kinds_are_chosen_by_their_names(self) -> None:
        chosen = (ProblemKind.SUSPENDED, ProblemKind.BEHIND)
        assert toml('[notify]\nkinds = ["behind", "suspended"]\n').notify.kinds == chosen
        assert load(environ={"ORDERS_SYNC_NOTIFY__KINDS": "behind, suspended"}).notify.kinds == chosen
        for wrong in ("[]", '["behnd"]', "[1]", "[[]]", "true"):
            [line] = problems(f"[notify]\nkinds = {wrong}\n")
            assert "kinds: must be a list of one or more of suspended, misconfigured," in line

    def test_quiet_hours(self) -> None:
        assert toml('[notify]\nquiet_hours = "22:00-08:00"\n').notify.quiet_hours == QuietHours(time(22), time(8))
        assert problems('[notify]\nquiet_hours = "22-8"\n') == [
            "orders_sync.toml: [notify] quiet_hours: must be two different times of day, such as "
            '"22:00-08:00" (got "22-8")'
        ]
