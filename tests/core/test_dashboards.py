"""Dashboard, alert rules and page name exactly what the exporter has."""

import json
import re
from pathlib import Path

from trader_core.trader.exporter import HISTOGRAMS, NAMES

ROOT = Path(__file__).parents[2]
WORD = re.compile(r"\b(?:gatehouse|paper)_[a-z_]+\b")


def named(expressions: list[str]) -> set[str]:
    """Return the metrics of expressions; a bucket is its histogram."""
    return {word.removesuffix("_bucket") for one in expressions for word in WORD.findall(one)}


def test_every_metric_has_its_panel_and_no_panel_asks_for_another() -> None:
    board = json.loads((ROOT / "deployments/grafana/gatehouse.json").read_text())
    assert named([target["expr"] for panel in board["panels"] for target in panel["targets"]]) == NAMES
    assert HISTOGRAMS.keys() <= NAMES


def test_alert_rules_ask_for_metrics_that_exist() -> None:
    lines = (ROOT / "deployments/prometheus/alerts.yml").read_text().splitlines()
    found = named([line for line in lines if line.strip().startswith("expr:")])
    assert found, "there are rules"
    assert found <= NAMES


def test_the_page_names_every_metric() -> None:
    assert named(re.findall(r"`([a-z_]+)`", (ROOT / "docs/metrics.md").read_text())) == NAMES
