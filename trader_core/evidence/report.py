"""The report of a road: one HTML page that needs nothing but a browser. Pure text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from trader_core.evidence.verdict import Judgement

WIDTH, HEIGHT = 720, 160

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem;border-bottom:1px solid #8884}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.v{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;color:#fff;font-weight:600}
.GO{background:#16794a}.NO_GO{background:#b3261e}.NOT_ENOUGH_EVIDENCE{background:#7a5b00}
.note{border-left:4px solid #c58b00;padding:.25rem 1rem;background:#c58b0018}
svg{width:100%;height:auto}polyline{fill:none;stroke:#2b6cb0;stroke-width:1.5}small{opacity:.7}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the road: what was done, its figures, its equity curve in account units, and what was judged."""

    title: str
    figures: Sequence[tuple[str, str]]
    equity: Sequence[int] = field(default=())
    judgements: Sequence[Judgement] = field(default=())


@dataclass(frozen=True, slots=True)
class Report:
    """A whole road."""

    title: str
    made_at: str
    disclosures: Sequence[str]
    steps: Sequence[Step]
    verdicts: Sequence[Judgement]


def render(report: Report) -> str:
    """Return the page; every text is escaped."""
    verdicts = "".join(_verdict(judgement) for judgement in report.verdicts)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.disclosures)
    steps = "".join(_step(number, step) for number, step in enumerate(report.steps, 1))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(report.title)}</h1><p><small>{escape(report.made_at)}</small></p>"
        f'<div class="note"><strong>Read this first</strong><ul>{notes}</ul></div>'
        f"<h2>Verdicts</h2>{verdicts}{steps}</body></html>\n"
    )


def _verdict(judgement: Judgement) -> str:
    label = judgement.verdict.replace("_", " ")
    rows = "".join(
        f"<tr><td>{escape(f.name)}</td><td>{escape(f.measured)}</td><td>{escape(f.allowed)}</td><td>{_mark(holds=f.holds)}</td></tr>"
        for f in judgement.findings
    )
    head = "<tr><th>finding</th><th>measured</th><th>allowed</th><th></th></tr>"
    return f'<h3>{escape(judgement.gate)} <span class="v {judgement.verdict}">{label}</span></h3><table>{head}{rows}</table>'


def _mark(*, holds: bool | None) -> str:
    return {True: "holds", False: "<strong>fails</strong>", None: "not judged"}[holds]


def _step(number: int, step: Step) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td class=n>{escape(value)}</td></tr>" for name, value in step.figures)
    judged = "".join(_verdict(judgement) for judgement in step.judgements)
    return f"<h2>{number}. {escape(step.title)}</h2><table>{rows}</table>{curve(step.equity)}{judged}"


def curve(equity: Sequence[int]) -> str:
    """Return an SVG line of an equity curve, thinned to the picture's width; empty for fewer than two points."""
    stride = max(1, len(equity) // WIDTH)
    points = list(equity[::stride]) + ([equity[-1]] if (len(equity) - 1) % stride else [])
    low, high = min(points, default=0), max(points, default=0)
    if len(points) < 2 or high == low:  # noqa: PLR2004 - a line needs two points
        return ""
    across, down = WIDTH / (len(points) - 1), (HEIGHT - 10) / (high - low)
    line = " ".join(f"{x * across:.1f},{HEIGHT - 5 - (value - low) * down:.1f}" for x, value in enumerate(points))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="equity"><polyline points="{line}"/></svg>'
