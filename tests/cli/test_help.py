"""The help of every command: whole within 80 columns, with examples that can be run; and completion in shells."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from rich.cells import cell_len

from orders_sync.cli import application, completion
from orders_sync.cli.help import EXAMPLES
from tests.support.commands import commands, leaves
from tests.support.terminal import Terminal

APPLICATION = application()
ALL = commands(APPLICATION)
LEAVES = leaves(APPLICATION)
ACCOUNT = """
[[accounts]]
name = "{name}"
platform = "1688"
seller_nick = "{name}"
app_id = "a"
app_secret = "s"
history_from = "2026-01-01"
"""
OFFERED = {  # by bash, after Tab
    "orders-sync rej": {"rejects"},
    "orders-sync backfill ca": {"cancel"},
    "orders-sync status --prob": {"--problems"},
    "orders-sync sync --account shop-": {"shop-1", "shop-2", "shop-wrong"},
    "orders-sync accounts pause o": {"other"},
    "orders-sync accounts resume shop-w": {"shop-wrong"},
    "orders-sync accounts test shop-1": {"shop-1"},
    "orders-sync accounts merge old shop-2": {"shop-2"},
    "orders-sync accounts test --config far.toml f": {"far"},
    "orders-sync backfill --platform xportcn_": {"xportcn_ka", "xportcn_open"},
    "orders-sync renormalize --platform 16": {"1688"},
    "orders-sync rejects replay --reason no_": {"no_order_id"},
    "orders-sync export order_l": {"order_lines"},
    "orders-sync export orders --format x": {"xlsx"},
}
Helps = dict[tuple[str, ...], str]


@pytest.fixture(scope="module")
def helps() -> Helps:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        return {path: shown(*path, "--help") for path in ALL}


def shown(*arguments: str) -> str:
    with redirect_stdout(io.StringIO()) as out:
        APPLICATION(args=list(arguments), prog_name="orders-sync", standalone_mode=False)
    return out.getvalue()


def test_help_fits_80_columns_and_says_what_values_are(helps: Helps) -> None:
    for path, said in helps.items():
        assert [line for line in said.splitlines() if cell_len(line) > 80] == [], path
        usage = said[said.index("Usage:") :].split("\n\n")[0]
        assert not re.search(r"[{}]|\]\.\.\.\.", usage), usage
        assert not re.search(r"<(str|path|int|float)\b", said), path


@pytest.mark.db
@pytest.mark.parametrize("words", [(), ("status",), ("rejects", "replay")])
def test_help_is_a_command_as_well(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal.run("help", *words).assert_well().out == terminal.run(*words, "--help").assert_well().out


def test_the_documents_that_texts_name_come_with_the_package_and_the_help_says_where(helps: Helps) -> None:
    said = re.sub(r"\s", "", helps[()])
    if "Documents:" not in said:
        pytest.skip("installed without its documents: run pip install -e . again")
    folder = said.split("Documents:")[1]
    for name in ("docs/operations.md", "docs/settings.md", "docs/sandbox.md", "deploy/systemd/orders-sync@.service"):
        assert Path(folder, name).is_file(), name


def test_a_text_is_folded_at_the_width_of_the_screen_and_not_at_that_of_the_code() -> None:
    for path, command in ALL.items():
        texts = [command.help, *(getattr(each, "help", None) for each in command.params)]
        assert [text for text in texts if text and re.search(r"[^\n]{79,}\n[^\n]", text)] == [], path


def test_brackets_are_shown_as_they_are_written(helps: Helps) -> None:
    for path, words in (
        ("run", "[service] listen of the settings"),
        ("db serve", "[database] listen ="),
        ("renormalize", "removed by [retention] keep"),
        ("audit", "[display] time_zone"),
    ):
        text = " ".join(helps[tuple(path.split())].replace("│", " ").split())
        assert words in text, text


def test_every_command_has_examples_that_it_understands(helps: Helps) -> None:
    for path in LEAVES:
        text = " ".join(helps[path].split())
        for example in EXAMPLES[" ".join(path)]:
            assert example in text
            assert re.search(r"\borders-sync " + " ".join(path), example), example
            options = re.findall(r"(?<= )--[a-z-]+", example.split("orders-sync", 1)[1].split("&&")[0])
            known = {name for each in ALL[path].params for name in each.opts}
            assert set(options) <= known, example


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) == {" ".join(path) for path in LEAVES}


@pytest.mark.db
@pytest.mark.parametrize("shell", completion.Shell)
def test_a_script_for_each_shell_that_it_can_read(terminal: Terminal, shell: str) -> None:
    script = terminal.run("completion", shell).assert_well().out
    assert completion.VARIABLE in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n", "-c", script], check=True)


@pytest.mark.db
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_and_accounts(terminal: Terminal) -> None:
    wrong = ACCOUNT.format(name="shop-wrong") + "lag = 'soon'\n"
    terminal.write("".join(ACCOUNT.format(name=name) for name in ("shop-1", "shop-2", "other")) + wrong)
    terminal.folder.joinpath("far.toml").write_text(ACCOUNT.format(name="far"))
    script = Path(terminal.folder / "completion.bash")
    script.write_text(terminal.run("completion", "bash").out)
    lines = [f"source {script}"]
    for typed in OFFERED:
        words = typed.split()
        array = " ".join(f"'{word}'" for word in words)
        lines.append(f"COMPREPLY=(); COMP_WORDS=({array}); COMP_CWORD={len(words) - 1}")
        lines.append("_orders_sync_completion orders-sync; echo ${COMPREPLY[@]}")
    offered = terminal.shell("\n".join(lines)).stdout.decode().splitlines()
    assert {typed: set(line.split()) for typed, line in zip(OFFERED, offered, strict=True)} == OFFERED
