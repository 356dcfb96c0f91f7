"""What people see of a run: markdown, tables, progress and links as artifacts that one likes to read."""

from collections.abc import Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact, update_progress_artifact

from trader_core.settings import Settings

MARKS = {"GO": "✅", "NO_GO": "⛔", "NOT_ENOUGH_EVIDENCE": "⏳"}
_PROGRESS: dict[str, Any] = {}
"""Progress artifacts of this process by validation."""


def gate(name: str, found: dict[str, Any]) -> None:
    """Show a gate's verdict, what came first, and what to do."""
    verdict = str(found.get("verdict", "not judged"))
    lines = [f"## {MARKS.get(verdict, '')} {name}: {verdict.replace('_', ' ')}", ""]
    lines += [f"**First finding:** {found['first']}", ""] if found.get("first") else []
    lines += [f"**What to do:** {found['todo']}", ""] if found.get("todo") else []
    lines += [
        "| | |",
        "|---|---|",
        *(f"| {key.replace('_', ' ')} | `{value}` |" for key, value in sorted(found.items()) if _plain(key, value)),
    ]
    create_markdown_artifact("\n".join(lines), key=_key(f"gate-{name}"), description=f"{name}: {verdict}")


def _plain(key: str, value: Any) -> bool:
    return key not in {"verdict", "first", "todo"} and isinstance(value, str | int | float | bool) and value != ""


def hour(validation_id: str, found: dict[str, Any], hours: int) -> None:
    """Show how far a validation is."""
    share = 100.0 * found["hour"] / hours
    if validation_id not in _PROGRESS:
        _PROGRESS[validation_id] = create_progress_artifact(share, key=_key(f"progress-{validation_id}"), description=f"hours of {hours}")
        return
    update_progress_artifact(_PROGRESS[validation_id], progress=share)


def nights(plan: str, rows: Sequence[dict[str, Any]]) -> None:
    """Show the last nights of a plan as a table and as a plot of bars."""
    table = [{key: value for key, value in row.items() if key != "return_ppm"} for row in rows]
    create_table_artifact(table, key=_key(f"nights-{plan}"), description=f"The last nights of {plan}, newest first")
    returns = [row["return_ppm"] / 10_000 for row in reversed(rows)]
    widest = max((abs(one) for one in returns), default=0.0) or 1.0
    bars = [f"{row['up to']}  {value:+8.2f} %  {'█' * max(round(abs(value) / widest * 30), 1)}"
            for row, value in zip(reversed(rows), returns, strict=True)]  # fmt: skip
    text = (
        f"## Nightly backtests of {plan}\n\nReturn over the plan's history, by the last day of its data:\n\n```\n"
        + "\n".join(bars)
        + "\n```"
    )
    create_markdown_artifact(text, key=_key(f"plot-{plan}"), description=f"Returns of {plan} by night")


def report(road_id: str, found: dict[str, Any]) -> None:
    """Show both verdicts of a road, and where its report lies."""
    page = Settings().folder() / str(found["report"])
    lines = [
        f"## {MARKS.get(found['operations'], '')} operations {found['operations']} · {MARKS.get(found['edge'], '')} edge {found['edge']}",
        "",
    ]
    lines += [f"- {line}" for line in found["lines"][2:]]
    lines += ["", f"The report lies at `{page}`: open it in a browser, it needs no network.", "", f"Permit: **{found['permit']}**"]
    create_markdown_artifact("\n".join(lines), key=_key(f"report-{road_id}"), description="Go / no-go")


def _key(text: str) -> str:
    """Return a key that the server takes: small letters, digits and dashes."""
    return "".join(char if char.isalnum() and char.isascii() else "-" for char in text.lower()).strip("-")[:80]
