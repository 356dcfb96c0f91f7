"""The page of one data-quality run: what was checked, what fails, and what it stops. Needs nothing but a browser. Pure text."""

import time
from collections.abc import Sequence
from html import escape

from trader_core.evidence.quality import RULES, QualityFinding, Rule, Severity
from trader_core.evidence.report import STYLE
from trader_core.store.quality import QualityRow

BADGE = {"passed": "GO", "failed": "NO_GO", "error": "NO_GO"}


def render(row: QualityRow, findings: Sequence[QualityFinding], status: str) -> str:
    """Return the page; every text is escaped."""
    wrong = [one for one in findings if not one.holds]
    title = f"Data quality: {row.venue}, {row.timeframe}, {len(row.symbols)} instruments"
    about = [
        ("interval", f"{_moment(row.from_ms)} to {_moment(row.to_ms)}"), ("instruments", ", ".join(row.symbols)), ("purpose", row.purpose),
        ("run", row.quality_run_id),
    ]  # fmt: skip
    facts = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in about)
    stopped = sorted({symbol for one in wrong for symbol in one.blocks})
    stops = f'<div class="note"><strong>Blocked:</strong> {escape(", ".join(stopped))}</div>' if stopped else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>'
        f'<p><span class="v {BADGE.get(status, "NO_GO")}">{escape(status)}</span></p>{stops}<table>{facts}</table>'
        f"<h2>What does not hold</h2>{_table(wrong)}<h2>What holds</h2>{_table([one for one in findings if one.holds])}"
        f"<h2>The rules</h2>{_rules()}</body></html>\n"
    )


def _table(findings: Sequence[QualityFinding]) -> str:
    if not findings:
        return "<p>nothing</p>"
    head = "<tr><th>instrument</th><th>rule</th><th>measured</th><th>allowed</th><th>first, last</th><th>stops</th></tr>"
    return f"<table>{head}{''.join(map(_line, sorted(findings, key=lambda one: (one.severity is Severity.WARN, one.symbol))))}</table>"


def _line(one: QualityFinding) -> str:
    span = f"{_moment(one.first_ms)}, {_moment(one.last_ms)}" if one.first_ms else ""
    kind = "holds" if one.holds else "fails" if one.severity is Severity.BLOCK else "open"
    cells = (one.symbol, one.rule, one.measured, one.allowed, span, ", ".join(one.blocks))
    return "<tr>" + "".join(f"<td{f' class={kind}' if at == 1 else ''}>{escape(cell)}</td>" for at, cell in enumerate(cells)) + "</tr>"


def _rules() -> str:
    head = "<tr><th>rule</th><th>when broken</th><th>meaning</th><th>allowed</th></tr>"
    rows = "".join(
        f"<tr><td>{escape(one.name)}</td><td>{one.severity}</td><td>{escape(one.meaning)}</td><td>{_limit(one)}</td></tr>"
        for one in RULES.values()
    )
    return f"<table>{head}{rows}</table>"


def _limit(rule: Rule) -> str:
    return f"at most {rule.limit} {escape(rule.unit)}"


def _moment(ts_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(ts_ms / 1000)) if ts_ms else ""
