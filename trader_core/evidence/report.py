"""The report of a road: both verdicts first, then what failed first and what to do, then everything. JSON, and one offline page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from trader_core.evidence.verdict import Finding, Judgement, Verdict

STYLE = """
:root{color-scheme:light dark;--ink:#1c2733;--soft:#5b6875;--line:#8884;--card:#8881;--go:#16794a;--no:#b3261e;--few:#8a6100;--blue:#2b6cb0}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa7b4;--blue:#7fb4ea}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);max-width:56rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin-top:2.2rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
td,th{text-align:left;padding:.28rem .7rem .28rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
td{overflow-wrap:break-word}td.n{overflow-wrap:anywhere;text-align:right;font-variant-numeric:tabular-nums}
.v{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;color:#fff;font-weight:600;white-space:nowrap}
.GO{background:var(--go)}.NO_GO{background:var(--no)}.NOT_ENOUGH_EVIDENCE{background:var(--few)}
.both{display:flex;gap:1rem;flex-wrap:wrap;margin:1rem 0}
.both div{flex:1 1 12rem;border:1px solid var(--line);border-radius:.5rem;padding:.8rem 1rem;background:var(--card)}
.both b{display:block;margin-bottom:.4rem}.note{border-left:4px solid #c58b00;padding:.4rem 1rem;background:#c58b0018;margin:1rem 0}
.next{border-left:4px solid var(--blue);padding:.4rem 1rem;background:#2b6cb018;margin:1rem 0}
.fails{color:var(--no);font-weight:600}.holds{color:var(--go)}.open{color:var(--few)}
small{color:var(--soft)}figure{margin:1rem 0}figcaption{font-size:.92rem}svg{width:100%;height:auto}
polyline{fill:none;stroke:var(--blue);stroke-width:1.5}rect{fill:var(--blue)}
.axis{fill:none;stroke:var(--soft);stroke-width:1}svg text{font-size:11px;fill:var(--soft)}
code{font-size:.85em;overflow-wrap:anywhere}
@media print{body{max-width:none;margin:0}h2{break-after:avoid}table,figure{break-inside:avoid}}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the road: what was done, its figures, its plots as SVG, and what was judged."""

    title: str
    figures: Sequence[tuple[str, str]]
    plots: Sequence[str] = field(default=())
    judgements: Sequence[Judgement] = field(default=())


@dataclass(frozen=True, slots=True)
class Report:
    """A whole road; `verdicts` holds operations and edge, `earned` the permit that follows in words."""

    title: str
    made_at: str
    disclosures: Sequence[str]
    steps: Sequence[Step]
    verdicts: Sequence[Judgement]
    earned: str = ""
    not_tested: Sequence[tuple[str, str]] = field(default=())
    components: Sequence[tuple[str, str]] = field(default=())
    hashes: Mapping[str, str] = field(default_factory=dict)
    enough_at: str = ""
    """When there will be enough evidence, in words; empty where that is no question."""


def failed(report: Report) -> list[tuple[str, Finding]]:
    """Return every finding that fails, with its gate, in the order of the road."""
    every = [judgement for step in report.steps for judgement in step.judgements]
    every += [judgement for judgement in report.verdicts if judgement.gate == "edge"]  # operations sums up the gates before
    return [(one.gate, finding) for one in every for finding in one.findings if finding.holds is False]


def first_failing(report: Report) -> tuple[str, Finding] | None:
    """Return what failed first, or else what could not be judged first in a verdict that is not GO; None when all is well."""
    found = failed(report)
    if found:
        return found[0]
    for judgement in report.verdicts:
        first = judgement.first() if judgement.verdict is not Verdict.GO else None
        if first is not None:
            return judgement.gate, first
    return None


def summary_lines(report: Report) -> list[str]:
    """Return what a phone's screen needs: verdicts, permit, what failed first, and the next action."""
    lines = [f"{one.gate}: {one.verdict}" for one in report.verdicts]
    if report.earned:
        lines.append(f"permit: {report.earned}")
    first = first_failing(report)
    if first is not None:
        lines.append(f"first: {first[0]}: {first[1]}")
        lines.append(f"next: {first[1].todo or 'see the report'}")
    if report.enough_at:
        lines.append(f"enough evidence: {report.enough_at}")
    return lines


def to_json(report: Report) -> dict[str, Any]:
    """Return everything as plain JSON values; plots are left out."""
    body = asdict(report)
    for step in body["steps"]:
        step.pop("plots")
    return body | {"summary": summary_lines(report), "next_actions": [[gate, one.name, one.todo] for gate, one in failed(report)]}


def render(report: Report) -> str:
    """Return the page; every text is escaped, nothing is fetched."""
    parts = (
        _head(report), _both(report), _next(report), _rows("What was not tested", report.not_tested),
        *(_step(number, step) for number, step in enumerate(report.steps, 1)),
        "<h2>Verdicts in full</h2>", *map(_judged, report.verdicts), _rows("Components", report.components),
        _rows("Hashes", [(name, value) for name, value in report.hashes.items()]),
    )  # fmt: skip
    return "".join(parts) + "</body></html>\n"


def _head(report: Report) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.disclosures)
    note = f'<div class="note"><strong>Read this first</strong><ul>{notes}</ul></div>' if notes else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(report.title)}</h1><p><small>{escape(report.made_at)}</small></p>{note}"
    )


def _both(report: Report) -> str:
    cards = "".join(f"<div><b>{escape(one.gate)}</b>{_badge(one.verdict)}</div>" for one in report.verdicts)
    earned = f"<div><b>permit</b>{escape(report.earned)}</div>" if report.earned else ""
    return f'<div class="both">{cards}{earned}</div>'


def _next(report: Report) -> str:
    first = first_failing(report)
    lines = []
    if first is not None:
        gate, finding = first
        lines.append(f"<strong>{'Failed' if finding.holds is False else 'Open'} first:</strong> {escape(gate)}, {escape(str(finding))}")
        lines.append(f"<strong>Next:</strong> {escape(finding.todo or 'see the finding below')}")
    if report.enough_at:
        lines.append(f"<strong>Enough evidence:</strong> {escape(report.enough_at)}")
    others = "".join(f"<li>{escape(gate)}, {escape(one.name)}: {escape(one.todo)}</li>" for gate, one in failed(report)[1:] if one.todo)
    more = f"<details><summary>what to do about the others</summary><ul>{others}</ul></details>" if others else ""
    return f'<div class="next">{"<br>".join(lines)}{more}</div>' if lines else ""


def _badge(verdict: Verdict) -> str:
    return f'<span class="v {verdict}">{verdict.replace("_", " ")}</span>'


def _judged(judgement: Judgement) -> str:
    rows = "".join(
        f"<tr><td>{escape(f.name)}</td><td>{escape(f.measured)}</td><td>{escape(f.allowed)}</td><td>{_mark(f)}</td></tr>"
        for f in judgement.findings
    )
    head = "<tr><th>criterion</th><th>measured</th><th>required</th><th></th></tr>"
    return f"<h3>{escape(judgement.gate)} {_badge(judgement.verdict)}</h3><table>{head}{rows}</table>"


def _mark(finding: Finding) -> str:
    if finding.holds is None:
        return '<span class="open">not judged</span>'
    if finding.holds:
        return '<span class="holds">holds</span>'
    todo = f"<br><small>{escape(finding.todo)}</small>" if finding.todo else ""
    return f'<span class="fails">fails</span>{todo}'


def _rows(title: str, rows: Sequence[tuple[str, str]]) -> str:
    if not rows:
        return ""
    body = "".join(f"<tr><td>{escape(name)}</td><td><code>{escape(value)}</code></td></tr>" for name, value in rows)
    return f"<h2>{escape(title)}</h2><table>{body}</table>"


def _step(number: int, step: Step) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td class=n>{escape(value)}</td></tr>" for name, value in step.figures)
    judged = "".join(_judged(judgement) for judgement in step.judgements)
    return f"<h2>{number}. {escape(step.title)}</h2><table>{rows}</table>{''.join(step.plots)}{judged}"
