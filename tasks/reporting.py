"""The go / no-go report of a road: gathered from rows, written as JSON and as one offline page, and told."""

import json
import time
from importlib.metadata import version
from typing import Any

from tasks import judging, subjects, telling
from tasks.sessions import HOUR_MS, in_transaction
from tasks.subjects import Subject
from trader_core.evidence import plots
from trader_core.evidence.ladder import Earned, days_to_evidence
from trader_core.evidence.permit import Level
from trader_core.evidence.report import Report, Step, render, summary_lines, to_json
from trader_core.evidence.road import Step as RoadStep
from trader_core.evidence.road import StepStatus
from trader_core.evidence.validation import NOT_TESTED, Thresholds
from trader_core.evidence.verdict import EPISODES_MIN, Judgement, Verdict
from trader_core.model.money import UNIT, to_text
from trader_core.model.stage import StageName
from trader_core.settings import Settings
from trader_core.store import gates, permits, stage_runs, validations
from trader_core.store import roads as road_rows
from trader_core.store.database import Connection, Engine
from trader_core.trader import measure
from trader_core.trader.code import code_hash
from trader_core.trader.measure import Seen
from trader_core.venues.profiles import ceiling_of

SANDBOX_NOTES = (
    "REHEARSAL: all of it happened on the embedded exchange. Nothing here can open a permit on a real exchange.",
    "The market is synthetic. If its announcement says that a trend was planted, earnings say nothing of a real one.",
    "One EUR is counted as 1.08 USDT: a fixed rehearsal rate.",
)
MORE_NOT_TESTED = (
    ("partial fills", "not provoked: orders were small for the book that they met"),
    ("the venue's bad days", "faults of the embedded exchange are proven by the test suite, not by this road"),
    ("bans", "a refusal for too many calls counts as an API error; none was provoked"),
    ("time to flat", "stages end flat, which is judged; how long that takes is not"),
    ("profit", "72 hours and small stages cannot prove an edge"),
)


def write(settings: Settings, engine: Engine, road_id: str) -> dict[str, Any]:
    """Leave the report of a road behind, store its verdicts in the road's row, and return both verdicts, the permit and the place."""
    earned, found = judging.road_gate(engine, road_id)
    report, subject = in_transaction(engine, lambda db: gather(db, road_id, earned, found))
    permit = in_transaction(engine, lambda db: _issued(db, road_id, subject, earned))
    folder = settings.folder() / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    page, body = folder / f"{road_id}.html", folder / f"{road_id}.json"
    page.write_text(render(report))
    body.write_text(json.dumps(to_json(report), indent=1, default=str))
    place = str(page.relative_to(settings.folder()))
    values = {"operations": str(earned.operations.verdict), "edge": str(earned.edge.verdict), "report": place}
    in_transaction(engine, lambda db: road_rows.set_road(db, road_id, **values))
    lines = summary_lines(report)
    title = f"Go / no-go of {subject.name}: operations {earned.operations.verdict}, edge {earned.edge.verdict}".replace("_", " ")
    severity = "warning" if Verdict.NO_GO in {earned.operations.verdict, earned.edge.verdict} else "info"
    telling.tell(settings, "gate", severity, title, "\n".join(lines), f"report {road_id}", road=road_id, permit=permit, report=place)
    return {**values, "permit": permit, "json": str(body.relative_to(settings.folder())), "lines": lines}


def gather(db: Connection, road_id: str, earned: Earned, found: dict[str, Judgement]) -> tuple[Report, Subject]:
    """Return the report of a road as its rows stand, and its subject."""
    subject = subjects.of_road(db, road_id)
    road = road_rows.load_road(db, road_id)
    taken = {row.step: row for row in road_rows.steps_of(db, road_id)}
    steps = [step for step in (_collect(taken, found), _backtest(taken, found), *_validations(db, road_id, found)) if step]
    steps += _stages(db, road_id, found)
    stored = gates.of_road(db, road_id)
    data = taken[RoadStep.COLLECT].result.get("collection_session_id", "") if RoadStep.COLLECT in taken else ""
    hashes = {"code (trading core)": code_hash(), "configuration": road.config_digest, "recipe": road.recipe, "data": data}
    hashes |= {f"gate {gate.gate}": gate.digest() for gate in stored}
    made = f"road {road_id}, made {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}"
    report = Report(
        f"Gatehouse: {subject.name}, {subject.plan.strategy} on {subject.plan.venue}", made, SANDBOX_NOTES if subject.sandbox else (),
        steps, (earned.operations, earned.edge), _permit_words(earned, subject), (*NOT_TESTED, *MORE_NOT_TESTED), _components(),
        hashes, _enough(db, road_id, earned),
    )  # fmt: skip
    return report, subject


def _permit_words(earned: Earned, subject: Subject) -> str:
    words = earned.level.name if earned.level in {Level.FULL, Level.PAPER_ONLY} else f"{earned.level.name} up to {earned.stage}"
    return f"{words} (rehearsal)" if subject.sandbox else words


def _enough(db: Connection, road_id: str, earned: Earned) -> str:
    """Return when there will be enough evidence, where that is the question."""
    parts = []
    hours = next((row.hours for row in validations.of_road(db, road_id)), 0)
    if earned.operations.verdict is Verdict.NOT_ENOUGH_EVIDENCE and hours > 0:
        least = Thresholds().hours_min
        parts.append(f"operations: one validation of {least} hours, so not before {_date(least / 24)}")
    if earned.edge.verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        rows = [measure.see(db, row.paper_session_id) for row in validations.of_road(db, road_id) if row.paper_session_id]
        returns = [one for seen in rows for one in seen.returns]
        span_days = sum((seen.state.next_slot_ms - seen.row.from_ms) / HOUR_MS / 24 for seen in rows)
        days = days_to_evidence(returns, len(returns) / span_days if span_days else 0.0)
        if days is not None:
            parts.append(f"edge: about {days:.0f} more days of trading at this rate, so not before {_date(days)}")
        else:
            parts.append(f"edge: {len(returns)} round trips so far tell no rate; {EPISODES_MIN} are the least")
    return "; ".join(parts)


def _date(days: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + min(days, 36_500) * 86_400))


def _components() -> list[tuple[str, str]]:
    names = ("gatehouse", "prefect", "ccxt", "great-expectations", "numba", "numpy", "sqlalchemy")
    return [(name, version(name)) for name in names]


def _collect(taken: dict[RoadStep, road_rows.StepRow], found: dict[str, Judgement]) -> Step | None:
    row = taken.get(RoadStep.COLLECT)
    return Step("Collect and check", _plain(row), (), _of(found, "data quality")) if row else None


def _backtest(taken: dict[RoadStep, road_rows.StepRow], found: dict[str, Judgement]) -> Step | None:
    row = taken.get(RoadStep.BACKTEST)
    return Step("Backtest", _plain(row), (), _of(found, "backtest")) if row else None


def _of(found: dict[str, Judgement], name: str) -> tuple[Judgement, ...]:
    return (found[name],) if name in found else ()


def _plain(row: road_rows.StepRow) -> list[tuple[str, str]]:
    hidden = {"gate_id", "first", "todo", "verdict"}
    rows = [(_label(name), _text(name, value)) for name, value in sorted(row.result.items()) if name not in hidden]
    return [*rows, ("error", row.error)] if row.status is StepStatus.FAILED else rows


def _label(name: str) -> str:
    return name.removesuffix("_ppm").removesuffix("_ms").replace("_", " ")


def _text(name: str, value: Any) -> str:
    if name.endswith("_ppm") and isinstance(value, int):
        return f"{value / 10_000:.2f} %"
    if name.endswith("_ms") and isinstance(value, int):
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(value / 1000))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _validations(db: Connection, road_id: str, found: dict[str, Judgement]) -> list[Step]:
    steps = []
    for row in validations.of_road(db, road_id):
        if row.paper_session_id is None:
            continue
        seen = measure.see(db, row.paper_session_id)
        drills = [(f"{name} drill", ", ".join(map(str, one.get("answers", [])))) for name, one in row.drills.items()]
        rows = [("attempt", str(row.attempt)), ("thresholds", row.thresholds_digest[:16]), *_figures(seen), *drills]
        steps.append(Step(f"{row.hours} hours of paper beside dry-run", rows, _plots(seen), _of(found, "validation")))
    return steps


def _stages(db: Connection, road_id: str, found: dict[str, Judgement]) -> list[Step]:
    steps = []
    for row in stage_runs.of_road(db, road_id):
        rows = [("stage run", row.stage_run_id), ("status", row.status), ("loss budget", to_text(row.loss_budget))]
        rows += [("cause", row.cause)] if row.cause else []
        shapes: tuple[str, ...] = ()
        if row.session_id:
            seen = measure.see(db, row.session_id)
            rows, shapes = [*rows, *_figures(seen)], _plots(seen)
        steps.append(Step(f"{row.stage}, real orders", rows, shapes, _of(found, f"stage {row.stage}")))
    return steps


def _figures(seen: Seen) -> list[tuple[str, str]]:
    values = {name: value for (symbol, name), value in measure.figures(seen).items() if not symbol}
    interval = (
        f"{values['sharpe']:.1f} ({values['sharpe_low']:.1f} to {values['sharpe_high']:.1f})" if "sharpe" in values else "not defined"
    )
    factor = f"{values['profit_factor']:.2f}" if "profit_factor" in values else "nothing to divide by"
    return [
        ("session", seen.row.session_id), ("capital", to_text(seen.row.capital)), ("equity at the end", to_text(int(values["equity"]))),
        ("fees", to_text(int(values["fees"]))), ("largest drawdown", f"{values['drawdown_ppm'] / 10_000:.2f} %"),
        ("slots", str(values["slots"])), ("orders, rejects", f"{values['orders']}, {values['rejects']}"),
        ("round trips", str(values["trades"])), ("win rate", f"{values['win_rate']:.1%}" if "win_rate" in values else "no round trip"),
        ("profit factor", factor), ("Sharpe, annualised, with its 95 % interval", interval),
        ("slippage, mean", f"{values['slippage_bps_mean']:.1f} bps" if "slippage_bps_mean" in values else "no fill"),
        ("starts and recoveries", str(values["boots"])),
    ]  # fmt: skip


def _plots(seen: Seen) -> tuple[str, ...]:
    quote = seen.state.instruments[0].quote
    equity = [seen.row.capital / UNIT, *(value / UNIT for value in seen.equity)]
    hours = f"{len(seen.equity)} slots of {seen.row.plan.timeframe}"
    return tuple(filter(None, (
        plots.line("equity", quote, equity, hours), plots.line("drawdown", "% below the highest value", plots.drawdowns(equity), hours),
        plots.histogram("slippage of fills against their decisions", "bps, positive is worse", seen.slippage_bps),
    )))  # fmt: skip


def _issued(db: Connection, road_id: str, subject: Subject, earned: Earned) -> str:
    """Issue what the road has earned where that changes something, and return what stands."""
    now_ms = int(time.time() * 1000)
    stands = permits.permit_of(db, subject.account, subject.recipe, now_ms)
    if earned.level is Level.PAPER_ONLY and stands.level > Level.PAPER_ONLY:
        first = earned.operations.first() or earned.edge.first()
        stands = permits.demote(
            db, subject.account, subject.recipe, StageName.PAPER, "go_no_go", f"the road ended: {first}"[:500], now_ms, road_id
        )
    if min(earned.level, ceiling_of(subject.plan.venue)) is Level.FULL and stands.level is Level.LIMITED:
        last = next(gate for gate in reversed(gates.of_road(db, road_id)) if gate.gate.startswith("stage"))
        new = permits.NewPermit(
            subject.account, subject.recipe, Level.FULL, StageName.EUR_100, "gate", rehearsal=subject.sandbox, expires_ms=last.expires_ms,
            actor="go_no_go", reason="GO on operations and on edge", road_id=road_id, gate_id=last.gate_id,
            approval_id=f"a-{road_id}-{StageName.EUR_100}",
        )  # fmt: skip
        permits.issue(db, new)
        stands = permits.permit_of(db, subject.account, subject.recipe, now_ms)
    return stands.level.name if stands.level is not Level.LIMITED else f"LIMITED up to {stands.stage}"
