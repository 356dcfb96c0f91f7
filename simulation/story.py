"""The story of a run: what struck, what operators said, and the journal's last lines, in words that a person can follow."""

from typing import Any

from simulation.faults import TRAITS, Strike
from simulation.market import START_MS
from simulation.plans import RunPlan, Word
from simulation.world import World
from trader_core.trader.records import Kind, Record

LINES = 24
_SHOWN = (
    "event",
    "side",
    "qty",
    "limit",
    "price",
    "fee",
    "fee_base",
    "flag",
    "on",
    "command",
    "outcome",
    "epoch",
    "sent_ms",
    "text",
    "why",
)


def story(plan: RunPlan) -> list[str]:
    """Return the story of a plan, line by line; the last line is the violation."""
    world = World(plan)
    outcome = world.run()
    lines = [f"seed {plan.seed}: {plan.slots} slots, {len(world.market.instruments)} instruments, traders: {plan.traders}"]
    lines += [f"  {_strike(strike)}" for strike in (*plan.faults, *plan.crashes)]
    lines += [f"  {_word(word)}" for word in plan.commands]
    lines.append(f"the journal, from record {max(len(world.journal.lines) - LINES, 0) + 1} of {len(world.journal.lines)}:")
    lines += [f"  {_record(record)}" for record in world.journal.records()[-LINES:]]
    for process in world.processes:
        lines += [f"  not yet durable, of {process.name}: {_record(record)}" for record in process.buffer]
    lines.append(f"after {outcome.simulated_ms / 1000:.1f} s: {outcome.violation or 'nothing was violated'}")
    return lines


def _strike(strike: Strike) -> str:
    trait = TRAITS[strike.kind]
    when = f"time {strike.nth} at the {trait.site}" if strike.window is None else f"from {strike.window[0]} to {strike.window[1]} ms"
    return f"{strike.kind}, {when}" + (f", {trait.parameter} {strike.value}" if trait.parameter else "")


def _word(word: Word) -> str:
    when = f"{word.delay_ms} ms after order {word.nth} {word.stir}" if word.stir else f"at {word.at_ms} ms"
    return f"an operator says {word.command} {when}" + (", if something holds the session back" if word.held else "")


def _record(record: Record) -> str:
    body = record.body
    at_ms = body.get("at_ms") or body.get("sent_ms") or body.get("ts")
    at = f"{(at_ms - START_MS) / 1000:9.1f} s" if at_ms else " " * 11
    parts = [f"{name} {_short(body[name])}" for name in _SHOWN if name in body]
    if record.kind is Kind.BARS:
        parts = [f"{len(body['decisions'])} decisions, equity {body['equity']}"]
    order = body.get("client_order_id", "")[2:8]
    return f"{at} {record.kind:<10} {order:<6} {', '.join(parts)}".rstrip()


def _short(value: Any) -> str:
    return str(value)[:60]
