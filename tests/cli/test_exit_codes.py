"""Exit codes tell causes apart, and errors are JSON where the result is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orders_sync.cli.exit_codes import SUMMARY, ExitCode
from tests.support.databases import Tables
from tests.support.landed import Landed
from tests.support.terminal import Said, Terminal, closed_port

REJECT = """
    INSERT INTO sync.rejects (account, platform, payload, payload_hash, reason, read_at)
    VALUES ('shop', '1688', '', '1', 'odd', now()) RETURNING id::text
"""
NOWHERE = "postgresql://somebody@127.0.0.1:PORT/orders"
CASES: dict[str, tuple[tuple[str, ...], dict[str, str], ExitCode]] = {
    "done": (("status",), {}, ExitCode.DONE),
    "unknown option": (("status", "--nonsense"), {}, ExitCode.USAGE),
    "unknown command": (("nonsense",), {}, ExitCode.USAGE),
    "missing argument": (("order",), {}, ExitCode.USAGE),
    "missing --from": (("backfill", "--account", "sandbox-ka"), {}, ExitCode.USAGE),
    "no time": (("audit", "--from", "whenever"), {}, ExitCode.USAGE),
    "range that ends before it begins": (("audit", "--from", "2026-10-02", "--to", "2026-10-01"), {}, ExitCode.USAGE),
    "no such order": (("order", "4040404040404"), {}, ExitCode.NOT_FOUND),
    "no such account in the tables": (("status", "--account", "nobody"), {}, ExitCode.NOT_FOUND),
    "no such reject": (("rejects", "show", "4711"), {}, ExitCode.NOT_FOUND),
    "no such backfill": (("backfill", "cancel", "4711"), {}, ExitCode.NOT_FOUND),
    "no such account to pause": (("accounts", "pause", "nobody"), {}, ExitCode.NOT_FOUND),
    "no such account to resume": (("accounts", "resume", "nobody"), {}, ExitCode.NOT_FOUND),
    "no such account to rename": (("accounts", "rename", "nobody", "somebody"), {}, ExitCode.NOT_FOUND),
    "no such account to retire": (("accounts", "retire", "nobody"), {}, ExitCode.NOT_FOUND),
    "no such account to merge": (("accounts", "merge", "nobody", "somebody"), {}, ExitCode.NOT_FOUND),
    "no such account to test": (("accounts", "test", "nobody"), {}, ExitCode.NOT_FOUND),
    "an account of the settings": (("accounts", "retire", "sandbox-ka"), {}, ExitCode.USAGE),
    "a pause that is over": (("accounts", "pause", "sandbox-ka", "--until", "2020-01-01"), {}, ExitCode.USAGE),
    "no such audit": (("audit", "acknowledge", "4711", "--reason", "known"), {}, ExitCode.NOT_FOUND),
    "no such dump": (("db", "restore", "no-such.dump"), {}, ExitCode.NOT_FOUND),
    "nobody answers": (("backfill", "--account", "sandbox-ka", "--from", "2026-01-01"), {}, ExitCode.DECLINED),
    "no database": (("status",), {"DATABASE_URL": NOWHERE}, ExitCode.DATABASE),
    "wrong setting": (("status",), {"ORDERS_SYNC_SYNC__LAG": "soon"}, ExitCode.SETTINGS),
}

WITHOUT_JSON = ("done", "no such dump", "nobody answers")  # with --json, `backfill` asks nothing


def run(landed: Landed, case: str, *more: str) -> Said:
    arguments, variables, _ = CASES[case]
    with closed_port() as port:
        variables = {name: value.replace("PORT", str(port)) for name, value in variables.items()}
        return landed.terminal.run(*arguments, *more, **variables)


@pytest.mark.parametrize("case", CASES)
def test_an_exit_code_has_one_meaning(landed: Landed, case: str) -> None:
    said = run(landed, case)
    assert said.code == CASES[case][2], said.text
    assert "Traceback" not in said.text
    assert "Aborted" not in said.text


@pytest.mark.parametrize("case", [case for case in CASES if case not in WITHOUT_JSON])
def test_with_json_standard_error_is_json_and_ends_with_the_error(landed: Landed, case: str) -> None:
    said = run(landed, case, "--json")
    code = CASES[case][2]
    assert said.code == code, said.text
    assert said.out == "" or said.json  # what could be found all the same
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert all(set(line) <= {"notice", "error", "kind", "exit_code"} for line in lines)
    assert lines[-1] == {"error": lines[-1]["error"], "kind": code.name.lower(), "exit_code": code}
    assert lines[-1]["error"]


def test_only_a_yes_is_a_yes(terminal: Terminal, tables: Tables) -> None:
    terminal.variables["DATABASE_URL"] = tables.url
    for answer, code in (("", 7), ("n\n", 7), ("\n", 7), ("yes", 0), ("yes\n", 0), ("Y\n", 0)):
        tables.execute("DELETE FROM sync.rejects")
        [(number,)] = tables.query(REJECT)
        said = terminal.run_answering(answer, "rejects", "drop", number)
        assert (said.code, said.out) == (code, ""), repr(answer)
        assert said.err.startswith(f"Delete, including the records as received, reject {number}? [y/N]: ")
        assert "nothing was done" in said.err or not code, repr(answer)
        assert tables.query("SELECT count(*) FROM sync.rejects") == [(1 if code else 0,)], repr(answer)


def test_the_document_and_the_help_have_every_code() -> None:
    text = Path("docs/operations.md").read_text(encoding="utf-8")
    table = text[text.index("| exit code |") :].split("\n\n")[0]
    documented = {int(code) for row in table.splitlines()[2:] for code in re.findall(r"\d+", row.split("|")[1])}
    assert documented == set(ExitCode)
    in_help = {int(code) for code in re.findall(r"\d+", SUMMARY)}
    assert in_help == set(ExitCode)
