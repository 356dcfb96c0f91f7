"""Plots of the report as inline SVG: they need nothing but a browser, and read in light and dark. Pure text."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 200, 74, 24, 12
BINS = 24


def line(title: str, unit: str, values: Sequence[float], across: str) -> str:
    """Return a line of values over equal steps, with its extremes and its unit named; empty for fewer than two points."""
    if len(values) < 2:  # noqa: PLR2004 - a line needs two points
        return ""
    points = _thinned(values)
    low, high = min(points), max(points)
    high = high if high > low else low + max(abs(low) * 0.001, 1e-9)
    wide, tall = (WIDTH - LEFT - 8) / (len(points) - 1), (HEIGHT - TOP - BOTTOM) / (high - low)
    path = " ".join(f"{LEFT + x * wide:.1f},{HEIGHT - BOTTOM - (y - low) * tall:.1f}" for x, y in enumerate(points))
    return _framed(title, unit, low, high, across, f'<polyline points="{path}"/>')


def histogram(title: str, unit: str, values: Sequence[float]) -> str:
    """Return how often which values occurred, in equal bins; empty without values."""
    if not values:
        return ""
    low, high = min(values), max(values)
    high = high if high > low else low + 1.0
    counts = [0] * BINS
    for value in values:
        counts[min(int((value - low) / (high - low) * BINS), BINS - 1)] += 1
    wide, tall = (WIDTH - LEFT - 8) / BINS, (HEIGHT - TOP - BOTTOM) / max(counts)
    bars = "".join(
        f'<rect x="{LEFT + i * wide:.1f}" y="{HEIGHT - BOTTOM - count * tall:.1f}" width="{wide - 1:.1f}" height="{count * tall:.1f}"/>'
        for i, count in enumerate(counts)
        if count
    )
    return _framed(title, "count", 0, max(counts), f"{_number(low)} to {_number(high)} {unit}", bars)


def drawdowns(equity: Sequence[float]) -> list[float]:
    """Return, at each point, how far equity lies below its highest value so far, in percent (0 or less)."""
    peak, found = 0.0, []
    for value in equity:
        peak = max(peak, value)
        found.append((value / peak - 1) * 100 if peak > 0 else 0.0)
    return found


def _thinned(values: Sequence[float]) -> list[float]:
    """Return at most two values per pixel: each stretch's least and most, so that no spike is lost."""
    stride = max(1, 2 * len(values) // WIDTH)
    if stride < 3:  # noqa: PLR2004 - few enough
        return list(values)
    found = []
    for at in range(0, len(values), stride):
        part = values[at : at + stride]
        least, most = min(part), max(part)
        found += [least, most] if part.index(least) < part.index(most) else [most, least]
    return found


def _framed(title: str, unit: str, low: float, high: float, across: str, drawn: str) -> str:
    base = HEIGHT - BOTTOM
    return (
        f'<figure><figcaption>{escape(title)} <small>({escape(unit)})</small></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<path class="axis" d="M{LEFT},{TOP}V{base}H{WIDTH - 8}"/>'
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{_number(high)}</text>'
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">{_number(low)}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{escape(across)}</text>{drawn}</svg></figure>'
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits say enough
