"""Parts of `--help` beside the texts of the commands: examples, and the words that stand for values."""

from __future__ import annotations

import re
import sysconfig
from copy import copy
from pathlib import Path
from typing import Any

EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": ("orders-sync run", "orders-sync run --listen 0.0.0.0:8710"),
    "sync": ("orders-sync sync", "orders-sync sync --account shop-1 --retry"),
    "status": ("orders-sync status --problems", "orders-sync status --check && echo well"),
    "order": (
        "orders-sync order 3876532491611498520 YT763924467125",
        "orders-sync order 3876532491611498520 --account shop-1 --placed 2026-10-01",
    ),
    "audit": ("orders-sync audit", "orders-sync audit --account shop-1 --from 2026-10-01 --to 2026-11-01 --repair"),
    "audit list": ("orders-sync audit list --open",),
    "audit repair": ("orders-sync audit repair 12",),
    "audit show": ("orders-sync audit show 12",),
    "audit acknowledge": ('orders-sync audit acknowledge 12 --reason "the platform confirms it"',),
    "export": ("orders-sync export orders --from 2026-10-01 --to 2026-11-01 -o october.xlsx",),
    "scheduler": ("orders-sync scheduler", "orders-sync scheduler --listen 127.0.0.1:8711"),
    "worker": ("orders-sync worker", "orders-sync worker --listen 127.0.0.1:8712"),
    "console": ("orders-sync console --listen 0.0.0.0:8710",),
    "console token": ("orders-sync console token", "orders-sync console token ana"),
    "console password": ("orders-sync console password ana",),
    "console add": ("orders-sync console add ana --act",),
    "console remove": ("orders-sync console remove ana",),
    "console list": ("orders-sync console list",),
    "accounts list": ("orders-sync accounts list",),
    "accounts rename": ("orders-sync accounts rename shop-1 shop-hangzhou",),
    "accounts retire": ("orders-sync accounts retire shop-1",),
    "accounts merge": ("orders-sync accounts merge shop-old shop-1",),
    "accounts pause": ('orders-sync accounts pause shop-1 --reason "moves to a new app" --until 2026-12-01',),
    "accounts test": ("orders-sync accounts test shop-1", "orders-sync accounts test shop-1 --probe"),
    "accounts retry": ("orders-sync accounts retry shop-1",),
    "accounts resume": ("orders-sync accounts resume shop-1",),
    "backfill": (
        "orders-sync backfill --account shop-1 --from 2026-10-01 --to 2026-11-01",
        'orders-sync backfill --platform 1688 --from "2026-10-01 12:00" --wait --yes',
        "orders-sync backfill --platform 1688 --from 2026-10-01 --dry-run",
        "orders-sync backfill --plan 12",
        "orders-sync backfill --orders 3876532491611498520 --wait",
    ),
    "backfill list": ("orders-sync backfill list", "orders-sync backfill list --request 12"),
    "backfill again": ("orders-sync backfill again 12",),
    "backfill cancel": ("orders-sync backfill cancel 12", "orders-sync backfill cancel --request 12"),
    "rejects list": ("orders-sync rejects list", "orders-sync rejects list --reason no_order_id --ids"),
    "rejects show": ("orders-sync rejects show 12",),
    "rejects replay": (
        "orders-sync rejects replay",
        "orders-sync rejects replay --reason other --limit 10",
        "orders-sync rejects replay 12 13",
    ),
    "rejects ignore": ("orders-sync rejects ignore --reason no_order_id --account shop-1",),
    "rejects unignore": ("orders-sync rejects unignore --all",),
    "rejects drop": ("orders-sync rejects drop 12 13 --yes",),
    "activity": ("orders-sync activity --since 2026-11-01", "orders-sync activity --account shop-1"),
    "renormalize": ("orders-sync renormalize", "orders-sync renormalize --account shop-1"),
    "config check": ("orders-sync config check",),
    "config example": ("orders-sync config example > orders_sync.toml",),
    "doctor": ("orders-sync doctor", "orders-sync doctor --account shop-1", "orders-sync doctor --probe"),
    "notify test": ("orders-sync notify test",),
    "completion": (
        "orders-sync completion bash > ~/.local/share/bash-completion/completions/orders-sync",
        "orders-sync completion zsh > ~/.zfunc/_orders-sync",
        "orders-sync completion fish > ~/.config/fish/completions/orders-sync.fish",
    ),
    "migrate": ("orders-sync migrate",),
    "db url": ("psql $(orders-sync db url)",),
    "db serve": ("orders-sync db serve",),
    "db dump": ("orders-sync db dump orders.dump",),
    "db restore": ("DATABASE_URL=postgresql://orders@host/new orders-sync db restore orders.dump",),
    "db move": ("orders-sync db move postgresql://orders@host/orders",),
    "db reopen": ("orders-sync db reopen",),
    "db shell": ("orders-sync db shell", 'orders-sync db shell -c "SELECT count(*) FROM orders"'),
    "demo": ("orders-sync demo", "orders-sync demo --serve", "orders-sync demo --clear"),
    "sandbox": ("orders-sync sandbox --port 8688",),
    "verify": ("orders-sync verify http://127.0.0.1:8688",),
}
METAVARS = {
    "account": "NAME",
    "platform": "NAME",
    "start": "TIME",
    "end": "TIME",
    "until": "TIME",
    "config": "FILE",
    "file": "FILE",
}
SCREEN = 78  # columns of a text on a screen of 80
METAVARS_OF_TYPES = {
    "text": "TEXT",
    "str": "TEXT",
    "integer": "N",
    "integer range": "N",
    "int": "N",
    "int range": "N",
    "float": "NUMBER",
    "float range": "NUMBER",
}


def documents() -> list[str]:
    """Return a sentence that says where the documents are, which come with the package; none where they are not."""
    folder = Path(sysconfig.get_path("data"), "share", "doc", "orders-sync")
    return [f"Documents: {folder}"] if folder.is_dir() else []


def complete(command: Any, path: str = "") -> None:
    """Add examples and words for values to a command and all below it, and have brackets shown as they are written."""
    _show_brackets(command)
    for parameter in command.params:
        _show_brackets(parameter)
        if parameter.param_type_name == "argument":
            _name_plainly(parameter)
        elif parameter.metavar is None:
            parameter.metavar = METAVARS.get(parameter.name) or METAVARS_OF_TYPES.get(parameter.type.name)
    if path in EXAMPLES:
        command.epilog = "\n\n".join([f"Example{'s' if len(EXAMPLES[path]) > 1 else ''}:", *EXAMPLES[path]])
    for name, each in getattr(command, "commands", {}).items():
        complete(each, f"{path} {name}".strip())


def _show_brackets(part: Any) -> None:
    """Escape brackets that Rich would read as markup, as in `[service] listen`."""
    if help_ := getattr(part, "help", None):
        part.help = re.sub(r"\[(?=[a-z/])", r"\\[", _joined(help_))


def _joined(text: str) -> str:
    """Join lines that were folded at the width of the code: those that are longer than a help text's."""
    return re.sub(rf"(?<=[^\n]{{{SCREEN + 1}}})\n(?=[^\n])", " ", text)


def _name_plainly(argument: Any) -> None:
    """Show an argument in the usage line as ID, [ID] or [ID]..., and below it as ID."""
    word = (argument.metavar or argument.name).strip("[].").upper()
    argument.metavar = word
    if argument.type.name != "choice":
        argument.type = copy(argument.type)  # one object for all of a type
        argument.type.get_metavar = lambda *_, **__: ""  # no <str> beside its name
    word = word if argument.required else f"[{word}]"
    usage = word if argument.nargs == 1 else f"{word}..."
    argument.make_metavar = lambda *_, **__: usage
