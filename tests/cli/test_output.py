"""Output of every command on terminals of 80 and 60 columns: whole ids, numbers and amounts, no control sequences.

The platform of these tests is malicious: what buyers and sellers write holds terminal escapes, bidi and Rich markup.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.cells import cell_len

from orders_sync import cli
from orders_sync.sandbox import Faults
from tests.support.commands import leaves
from tests.support.databases import Tables, made_database
from tests.support.homes import COLUMNS, NARROW, Homes
from tests.support.landed import a_world
from tests.support.terminal import Said, Terminal, platforms

EVIL = "\x1b[2J\x1b]52;c;eA==\x07\x9b31m\u202e98765\u2028[red]x[/red][/y]"
SHOWN = "␛[2J␛]52;c;eA==␇<U+009B>31m<U+202E>98765<U+2028>[red]x[/red][/y]"
ODD_ID = "[/x]7[red]8[/red]"
WIDTHS = (COLUMNS, NARROW)
RANGE = ("--from", "2026-01-01", "--to", "2026-03-01")
COMMANDS = {
    "status": ("status",),
    "accounts": ("accounts", "list"),
    "order": ("order", "ORDER"),
    "odd order": ("order", ODD_ID),
    "order json": ("order", "ORDER", "--json"),
    "order raw": ("order", "ORDER", "--raw"),
    "persons": ("order", "ORDER", "--persons"),
    "orders": ("backfill", "--orders", "ORDER", "--dry-run"),
    "rejects": ("rejects", "list", "--all", "--ids"),
    "open rejects": ("rejects", "list", "--ids"),
    "reasons": ("rejects", "list"),
    "reject": ("rejects", "show", "REJECT"),
    "replay": ("rejects", "replay", "REJECT"),
    "backfills": ("backfill", "list"),
    "one by one": ("backfill", "list", "--request", "1234567"),
    "preview": ("backfill", "--account", "sandbox-1688", "--everything", *RANGE),
    "missing": ("backfill", "--account", "sandbox-ka", "--from", "2025-01-01", "--to", "2025-02-01", "--dry-run"),
    "audit": ("audit",),
    "renormalize": ("renormalize",),
    "verify": ("verify", "ROOT"),
    "doctor": ("doctor",),
    "sync": ("sync",),
    "config": ("config", "check"),
    "audits": ("audit", "list"),
    "audited": ("audit", "show", "AUDIT"),
    "activity": ("activity",),
    "demo": ("demo",),
}
JSON = [  # commands that show their progress
    ("sync",),
    ("audit",),
    ("rejects", "replay"),
    ("renormalize",),
    ("export", "orders", "-o", "orders.csv"),
    ("backfill", "--account", "sandbox-ka", "--from", "2026-11-01", "--everything", "--yes", "--wait"),
]
WRITERS = ("replay", "renormalize", "audit", "sync")  # run when all others have been
LAST = ("audits", "audited", "activity")  # one after the other, after those
SENTENCES = {  # commands that print a sentence, a log, a script or a file, and no table
    *("run", "scheduler", "worker", "console", "sandbox", "completion", "config example", "export"),
    *("accounts pause", "accounts resume", "accounts rename", "accounts retire", "accounts merge"),
    *("console token", "console password", "console add", "console remove", "console list"),
    *("accounts retry", "audit repair", "backfill again"),
    "notify test",
    *("audit acknowledge", "backfill cancel", "rejects ignore", "rejects unignore", "rejects drop"),
    *("migrate", "db dump", "db restore", "db move", "db reopen", "db url", "db serve", "db shell"),
}
SAME = {"accounts test": "doctor"}  # commands that print what another one does
TABLES = {  # every table in the code: its module and title, the command that shows it, a title of it
    ("accounts", "Accounts"): ("accounts", "Accounts"),
    ("activity", "What people did"): ("activity", "What people did"),
    (
        "audit_tables",
        "Orders by creation and update time. Tables include rejects; the next sync reads those awaited",
    ): (
        "audit",
        "Orders by creation and update time.",
    ),
    ("audit_tables", "Ranges that differ"): ("audit", "Ranges that differ"),
    ("audit_tables", "Audits"): ("audits", "Audits"),
    ("audit_tables", "Audit "): ("audited", "Audit "),
    ("audit_tables", "Difference by "): ("audited", "Difference by"),
    ("backfill_tables", "Ranges in the ledger, and the cost of reading what is not complete"): (
        "preview",
        "Ranges in the ledger,",
    ),
    ("backfill_orders", "Orders that can be read"): ("orders", "Orders that can be read"),
    ("backfill_tables", "What is not complete"): ("missing", "What is not complete"),
    ("backfill_tables", "Backfills"): ("one by one", "Backfills"),
    ("backfill_tables", "Requested backfills"): ("backfills", "Requested backfills"),
    ("config", "Accounts that can be used"): ("config", "Accounts that can be used"),
    ("demo", "title"): ("demo", "What is in the tables"),
    ("demo", "Next steps"): ("demo", "Next steps"),
    ("demo", "With real accounts"): ("demo", "With real accounts"),
    ("order", "Order "): ("order", "Order "),
    ("order", "Persons of order "): ("persons", "Persons of order"),
    ("order", "part"): ("order", "order_parcels"),
    ("reject_tables", "All rejects"): ("rejects", "All rejects"),
    ("reject_tables", "Rejects by reason"): ("reasons", "Rejects by reason"),
    ("reject_tables", "Rejects"): ("open rejects", "Rejects"),
    ("reject_tables", "Still rejected, by reason"): ("replay", "Still rejected, by reason"),
    ("rejects", "Reject "): ("reject", "Reject "),
    ("renormalize", "Orders rebuilt from their payloads"): ("renormalize", "Orders rebuilt from their payloads"),
    ("sandbox", "Tables compared with the sandbox"): ("verify", "Tables compared with the sandbox"),
    ("status", "Accounts"): ("status", "Accounts"),
    ("sync", "Results of this pass"): ("sync", "Results of this pass"),
}


@dataclass
class Screens:
    """The output of every command at each width."""

    said: dict[tuple[str, int], Said]
    terminal: Terminal
    tables: Tables
    order: str
    rejects: list[str]  # their ids, and of their orders

    def at(self, command: str, width: int) -> str:
        return self.said[command, width].out


@pytest.fixture(scope="module")
def screens(server: str, template: str, homes: Homes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    world = a_world(90)
    with (
        made_database(server, "screens", template) as tables,
        platforms(world, Faults({"malformed": 0.1})) as (root, _),
    ):
        demo = {("demo", COLUMNS): homes.demo()[1], ("demo", NARROW): homes.demo_again()[1]}
        terminal = Terminal(tmp_path_factory.mktemp("screens"), {"DATABASE_URL": tables.url})
        terminal.describe(world, root)
        assert terminal.run("sync").code == 0
        order, reject = _spoil(tables)
        words = {"ORDER": order, "REJECT": reject, "ROOT": root}
        with ThreadPoolExecutor(3) as runners:

            def shown(names: Collection[str]) -> dict[tuple[str, int], Said]:
                running = {
                    (name, width): runners.submit(
                        terminal.on_screen, width, *(words.get(word, word) for word in COMMANDS[name])
                    )
                    for name in names
                    for width in WIDTHS
                }
                return {key: each.result() for key, each in running.items()}

            read = shown([name for name in COMMANDS if name not in (*WRITERS, *LAST, "demo")])
            rejects = tables.query("SELECT id::text, coalesce(order_id, '') FROM sync.rejects")
            written = shown(WRITERS)
            [(audit,)] = tables.query("SELECT max(audit_id)::text FROM sync.audit_differences")
            last = {
                (name, width): terminal.on_screen(width, *(audit if w == "AUDIT" else w for w in COMMANDS[name]))
                for name in LAST
                for width in WIDTHS
            }
            yield Screens(
                read | written | last | demo, terminal, tables, order, [word for row in rejects for word in row if word]
            )
        terminal.close()


def _spoil(tables: Tables) -> tuple[str, str]:
    """Put into the tables what a platform may send; returns an order with every part, and a reject."""
    [(order,)] = tables.query(
        """
        SELECT order_id FROM order_parcels JOIN orders USING (platform, order_id)
        WHERE platform = '1688' AND line_count > 0 ORDER BY order_id LIMIT 1
        """
    )
    tables.execute(
        "DELETE FROM orders WHERE order_id = (SELECT max(order_id) FROM orders WHERE platform = 'xportcn_ka')"
    )
    tables.execute("UPDATE orders SET buyer_message = %s, total_amount = 123456789.12 WHERE order_id = %s", EVIL, order)
    tables.execute("UPDATE product_items SET title = %s WHERE order_id = %s", EVIL * 3, order)
    tables.execute(
        "UPDATE raw_orders SET payload = %s WHERE order_id = %s", json.dumps(EVIL, ensure_ascii=False), order
    )
    tables.execute(
        """
        INSERT INTO orders (platform, order_id, account, status, status_group, currency, line_count, created_at)
        VALUES ('1688', %s, 'sandbox-1688', '[/bold]', 'other', 'CNY', 0, now() - interval '2 d')
        """,
        ODD_ID,
    )
    tables.execute("UPDATE sync.accounts SET last_error = %s WHERE name = 'sandbox-ka'", f"sandbox-ka: {EVIL}")
    tables.execute(
        "UPDATE sync.accounts SET suspended_at = now(), suspended_because = %s WHERE name = 'sandbox-open'", EVIL
    )
    tables.execute(
        """
        INSERT INTO sync.backfills (id, account, feed, starts_at, ends_at, state)
        VALUES (1234567, 'sandbox-ka', 'created', '2026-01-01', '2026-02-01', 'cancelled')
        """
    )
    [(reject,)] = tables.query("UPDATE sync.rejects SET reason = %s RETURNING id", f"{EVIL} in a reason of many words")[
        :1
    ]
    tables.execute("UPDATE sync.rejects SET order_id = %s, payload = %s WHERE id = %s", ODD_ID, EVIL.encode(), reject)
    return order, str(reject)


def test_every_command_is_tried_here_or_known_to_print_no_table() -> None:
    tried = {" ".join(words[:2]) for words in COMMANDS.values()} | {words[0] for words in COMMANDS.values()}
    assert {" ".join(path) for path in leaves(cli.application())} - tried == SENTENCES | set(SAME)


def test_every_table_in_the_code_is_tried_here() -> None:
    found = {
        (file.stem, title)
        for file in Path(cli.__file__).parent.glob("*.py")
        if "output.table" in (source := file.read_text(encoding="utf-8"))
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("output.table")
        for title in titles(call.args[0])
    }
    assert found == set(TABLES)


def titles(title: ast.expr) -> list[str]:
    """The titles that an expression gives: whole texts, the beginning of a template, or the name of a variable."""
    match title:
        case ast.Constant():
            return [str(title.value)]
        case ast.JoinedStr():
            return titles(title.values[0])
        case ast.IfExp():
            return [*titles(title.body), *titles(title.orelse)]
    return [ast.unparse(title)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("table", TABLES, ids=" ".join)
def test_every_table_is_shown_at_each_width(screens: Screens, table: tuple[str, str], width: int) -> None:
    command, title = TABLES[table]
    assert title in screens.at(command, width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_of_a_platform_is_obeyed(screens: Screens, command: str, width: int) -> None:
    said = screens.said[command, width]
    assert said.code in (0, 1, 5, 7), said.text
    assert "Traceback" not in said.text
    assert "internal error" not in said.text
    assert not {c for c in said.text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")} - {"\n"}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("order json", "order raw")])
def test_no_line_is_wider_than_the_screen(screens: Screens, command: str, width: int) -> None:
    for line in screens.at(command, width).splitlines():
        longest = max(map(cell_len, line.split()), default=0)  # a word runs on rather than being cut
        assert cell_len(line) <= width or longest > width - 20, line


@pytest.mark.parametrize("width", WIDTHS)
def test_every_value_of_an_order_is_whole(screens: Screens, width: int) -> None:
    said = screens.at("order", width)
    words = set(said.replace(",", " ").replace(";", " ").split())
    keys = {
        "orders": "order_id, order_no, payment_no, total_amount::text, paid_amount::text",
        "sub_orders": "sub_order_id, amount::text",
        "product_items": "sub_order_id, product_id, sku_id, unit_price::text, amount::text",
        "order_parcels": "parcel_id, tracking_no",
    }
    for table, columns in keys.items():
        for row in screens.tables.query(f"SELECT {columns} FROM {table} WHERE order_id = %s", screens.order):
            assert {str(value) for value in row if value} <= words, said
    assert SHOWN in "".join(said.split())
    assert ODD_ID in screens.at("odd order", width).splitlines()[0]
    assert ODD_ID in screens.at("odd order", width).split()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_id_and_number_of_the_other_tables_is_whole(screens: Screens, width: int) -> None:
    accounts = ("sandbox-1688", "sandbox-open", "sandbox-ka")
    for command in ("status", "accounts", "audit", "verify", "sync"):
        assert set(accounts) <= set(screens.at(command, width).split()), command
    for platform in ("1688", "xportcn_open", "xportcn_ka"):
        for command in ("accounts", "renormalize"):
            assert platform in screens.at(command, width).split(), command
    backfills = screens.at("backfills", width).split()
    assert {"1234567", "sandbox-ka", "cancelled"} <= set(backfills)
    assert set(screens.rejects) <= set(screens.at("rejects", width).split())
    for command in ("rejects", "reject", "replay"):
        assert SHOWN.replace("[", "") in "".join(screens.at(command, width).split()).replace("[", ""), command
    assert re.search(r"about [0-9]+\b", screens.at("preview", width))
    assert re.search(r"about [0-9]+ (s|min|h|d)\b", screens.at("preview", width))


@pytest.mark.parametrize("command", JSON, ids=" ".join)
def test_with_json_nothing_is_drawn_on_a_screen(screens: Screens, command: tuple[str, ...]) -> None:
    """Both streams on one screen: lines of JSON that tell something, and the document."""
    said = screens.terminal.on_screen(80, *command, "--json", both=True)
    assert not set("━⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏") & set(said.out), said.out
    lines = said.out.splitlines()
    told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    assert all(set(each) & {"notice", "error"} for each in told)
    rest = [line for line in lines if not (line.startswith("{") and line.endswith("}"))]
    json.loads("\n".join(rest))


@pytest.mark.parametrize("width", WIDTHS)
def test_json_on_a_screen_is_the_same_json(screens: Screens, width: int) -> None:
    [found] = json.loads(screens.at("order json", width))
    assert found["order"]["buyer_message"] == EVIL
    assert "<U+202E>98765" in screens.at("order raw", width)
