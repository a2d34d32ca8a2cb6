"""The documents lead where they say: links, headings and files of the code that they name exist."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
QUOTED = re.compile(r"`([^`]+)`")
SOURCE_FILE = re.compile(r"`([\w./*-]+\.(?:py|sql|yml|sh))(?:::\w+)?`")
CODE = ("orders_sync", "tests", "benchmarks", "migrations", "deploy", "examples")


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


@cache
def anchors(document: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", document.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_to_files_and_headings_that_exist() -> None:
    broken = []
    for document in DOCUMENTS:
        for link in LINK.findall(FENCE.sub("", document.read_text())):
            path, _, anchor = link.partition("#")
            target = document.parent / path if path else document
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                broken.append(f"{named(document)}: {link}")
    assert broken == []


def test_files_of_the_code_that_are_named_exist() -> None:
    named_in = {name: named(document) for document in DOCUMENTS for name in SOURCE_FILE.findall(document.read_text())}
    assert [f"{document}: {name}" for name, document in named_in.items() if not is_a_file(name)] == []


def is_a_file(name: str) -> bool:
    """A path counts from the root or from `orders_sync/`; a bare name is one of a file anywhere in the code."""
    if "/" in name:
        return any(any(base.glob(name)) for base in (ROOT, ROOT / "orders_sync"))
    # not all of ROOT: a tool may remove a folder of its own there at this moment
    return any(ROOT.glob(name)) or any(any((ROOT / folder).rglob(name)) for folder in CODE)


def test_every_document_is_in_the_index() -> None:
    """docs/README.md links every document, docs/decisions/README.md every decision."""
    for folder in (ROOT / "docs", ROOT / "docs" / "decisions"):
        linked = set(LINK.findall((folder / "README.md").read_text()))
        assert {path.name for path in folder.glob("*.md")} - {"README.md"} <= linked


def test_the_walk_through_the_example_platform_leads_past_all_of_its_files() -> None:
    document = (ROOT / "docs" / "adding-a-platform.md").read_text()
    example = ROOT / "examples" / "example_shop"
    files = {path.name for path in example.rglob("*.*") if path.suffix in (".py", ".toml", ".json")}
    drawn = set(re.findall(r"^ +([\w.]+\.(?:py|toml|json)) ", document, re.M))
    assert drawn == files


def test_what_decides_a_question_stands_in_the_file_that_is_named() -> None:
    """Each row of the table in docs/architecture.md: what is quoted to look for is found in the files of the row."""
    document = (ROOT / "docs" / "architecture.md").read_text()
    table = document.partition("## Where is it decided?")[2].partition("\n## ")[0]
    rows = [row.split(" | ") for row in table.splitlines()[4:] if row.startswith("| ")]
    assert len(rows) > 10
    missing = []
    for question, file, look_for in rows:
        files = [path for name in SOURCE_FILE.findall(file + look_for) for path in _found(name)]
        text = "\n".join(path.read_text() for path in files)
        quoted = [each for each in QUOTED.findall(look_for) if not SOURCE_FILE.fullmatch(f"`{each}`")]
        missing += [f"{question} {each}" for each in quoted if each.rpartition(".")[2] not in text]
    assert not missing


def _found(name: str) -> list[Path]:
    """Files of a name or pattern, which is below `orders_sync/` unless it begins with `tests/`."""
    return list((ROOT if name.startswith("tests/") else ROOT / "orders_sync").glob(name))


def test_folders_stand_in_the_order_of_the_import_contract() -> None:
    """The table of docs/architecture.md from the lowest layer up; folders of one layer in any order."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["name"] == "imports point downward"]
    listed = re.findall(r"^\| `(\w+)/` \|", (ROOT / "docs" / "architecture.md").read_text(), re.M)
    for layer in reversed(layers):
        folders = {name.strip().removeprefix("orders_sync.") for name in layer.split("|")}
        assert set(listed[: len(folders)]) == folders
        del listed[: len(folders)]
    assert not listed
