"""One bad account never stops the others, and a shell without secrets can read everything."""

from __future__ import annotations

import re

import httpx
import pytest

from orders_sync.sandbox import World
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.services import ANYWHERE, PACE, equal
from tests.support.terminal import CONFIGURATION, Terminal, eventually, platforms, result

READING = (
    ["status"],
    ["status", "--check"],
    ["accounts", "list"],
    ["order", "1"],
    ["rejects", "list"],
    ["backfill", "list"],
    ["db", "url"],
    ["db", "shell", "-c", "SELECT 1"],
)
CHECKING = ["migrate", "--check"]
GOOD = ("sandbox-1688", "sandbox-open")
BAD = "sandbox-ka"


def with_references(text: str) -> str:
    """The same settings with every secret in a variable."""
    keys = re.findall(r'(?m)^(\w*(?:secret|key|app_id|token)) = ".*"$', text)
    assert len(keys) > 5
    for number, key in enumerate(keys):
        text = re.sub(rf'(?m)^{key} = ".*"$', f'{key} = {{ env = "SECRET_{number}" }}', text, count=1)
    return text


def without_secret(text: str, name: str) -> str:
    """The same settings, with one account's secret in a variable that is not set."""
    before, own = text.split(f'name = "{name}"')
    own = re.sub(r'(?m)^(\w+_secret) = ".*"$', r'\1 = { env = "NOT_SET" }', own, count=1)
    return f'{before}name = "{name}"{own}'


def test_every_reading_command_works_without_any_secret(landed: Landed, terminal: Terminal) -> None:
    terminal.variables |= landed.terminal.variables
    right = landed.terminal.settings.read_text()
    terminal.write(right)
    expected = [terminal.run(*command).code for command in READING]
    terminal.write(with_references(right))
    said = [result(process) for process in [terminal.start(*command) for command in (*READING, CHECKING)]]
    assert [each.code for each in said] == [*expected, 0]
    assert [each for each in said if "misconfigured" in each.text or "not set" in each.text] == []
    terminal.run("sync").assert_complains("no account can be used", "SECRET_0 is not set", code=CONFIGURATION)


def test_sync_reads_the_others_names_the_one_and_keeps_what_is_its_own(copied: Landed) -> None:
    terminal, tables = copied.terminal, copied.tables
    own = f"SELECT name, watermark, removed_at FROM sync.accounts WHERE name = '{BAD}'"
    right = terminal.settings.read_text()
    before = tables.query(own)
    for wrong in (without_secret(right, BAD), right.replace('"xportcn_ka"', '"xportcn_k"')):
        terminal.write(wrong)
        said = terminal.run("sync")
        said.assert_complains(f"{BAD} is misconfigured")
        assert [name for name in GOOD if name in said.out] == [*GOOD]
        assert tables.query(own) == before
        terminal.run("sync", "--account", GOOD[0]).assert_well()
        terminal.run("sync", "--account", BAD).assert_complains(f"{BAD} is misconfigured")
    listed = terminal.run("accounts", "list").assert_well()
    assert "misconfigured" in next(line for line in listed.out.splitlines() if line.startswith(BAD))
    assert "platform: must be one of" in listed.err
    checked = terminal.run("status", "--check")
    assert checked.code == 4
    assert "1 misconfigured" in checked.out.splitlines()[0]
    assert f"{BAD}: misconfigured, nothing is read for it" in checked.out
    assert f"account {BAD}: misconfigured" in terminal.run("doctor").out
    terminal.write(right)
    terminal.run("sync").assert_well()
    assert terminal.run("status", "--check").code != 4


@pytest.mark.parametrize("command", [["run", *ANYWHERE], ["scheduler", *ANYWHERE]])
def test_what_runs_names_the_one_in_log_metrics_and_status(
    terminal: Terminal, url: str, world: World, command: list[str]
) -> None:
    terminal.variables["DATABASE_URL"] = url
    with platforms(world) as (root, _):
        terminal.describe(world, root, extra=PACE)
        right = terminal.settings.read_text()
        terminal.write(without_secret(right, BAD).replace("[sync]\n", "[sync]\nretries = 3\n"))
        service = terminal.serve(*command)
        metrics = httpx.get(f"{service.root}/metrics").text
        assert f'orders_sync_account_misconfigured{{account="{BAD}"}} 1.0' in metrics
        if "run" in command:
            eventually(lambda: equal(Tables(url), world, *GOOD))
        terminal.write(with_references(right))  # a shell of its own, where nothing is known of the service's secrets
        eventually(lambda: f"{BAD}: misconfigured" in terminal.run("status").out)
        assert terminal.run("status", "--check").code == 4
        listed = terminal.run("accounts", "list").assert_well()
        assert "misconfigured" in next(line for line in listed.out.splitlines() if line.startswith(BAD))
        assert "NOT_SET is not set" in listed.err
        said = service.stop()
        assert "account misconfigured" in said
        assert "NOT_SET is not set" in said
        assert "[sync] retries: is called tries now" in said  # warnings of the settings are logged, too
    assert "misconfigured" not in terminal.run("status").out


def test_a_mistake_outside_of_accounts_stops_with_one_message_and_a_code_of_its_own(
    terminal: Terminal, url: str
) -> None:
    terminal.variables["DATABASE_URL"] = url
    for text in ("[sync", "[sync]\nlag = 'x'", "[database]\nurl = 'x'", ""):
        terminal.write(text)
        for command in (["run", *ANYWHERE], ["worker"], ["scheduler"], ["sync"]):
            terminal.run(*command).assert_complains("orders_sync.toml: ", code=CONFIGURATION)
