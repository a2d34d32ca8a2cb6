"""Superset's assets as files, as `superset import-directory` reads them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2] / "deploy" / "superset" / "assets"


@cache
def assets(kind: str) -> dict[str, dict[str, Any]]:
    """Return all assets of a kind (databases, datasets, charts, dashboards), by the stem of their file."""
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / kind).rglob("*.yaml")}


def charts_on(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a dashboard says of its charts, from top to bottom: uuid, sliceName, chartId, width, height."""
    position = dashboard["position"]

    def below(name: str) -> list[dict[str, Any]]:
        item = position[name]
        found = [item["meta"]] if item["type"] == "CHART" else []
        return found + [each for child in item["children"] for each in below(child)]

    return below("ROOT_ID")
