"""From options to a fault plan, a file's or one drawn from a seed, checked against its exchange; and what a plan came to."""

from pathlib import Path

from sandbox import fault_files
from sandbox.config import Config
from sandbox.fault_kinds import KINDS
from sandbox.fault_rules import Plan
from sandbox.faults import FaultPlan
from sandbox.server import Sandbox
from sandbox.swarm import Ground, swarm


def from_file(path: Path, config: Config) -> Plan:
    """Return the plan of a TOML or JSON file for an exchange; raises BadInput that names what is wrong where."""
    return fault_files.read(path, config.start_ms, Sandbox(config, 0.0).known)


def from_seed(seed: int, config: Config, minutes: int, share: float) -> Plan:
    """Return a plan drawn for an exchange (sandbox/swarm.py); raises OutOfRange for what none can be drawn from."""
    sandbox = Sandbox(config, 0.0)
    markets = sandbox.exchange.market.pairs
    currencies = tuple(sorted({name for pair in markets.values() for name in (pair.base, pair.quote)}))
    ground = Ground(sandbox.dialect.sites, tuple(markets), currencies, bool(sandbox.dialect.sockets))
    return fault_files.plan_of(swarm(seed, ground, minutes, share), f"swarm {seed}", config.start_ms, sandbox.known)


def described(plan: Plan) -> str:
    """Return in one line how many rules a plan has, of which kinds, and which kinds it does not try."""
    tried = {rule.kind for rule in plan.rules}
    missing = [kind for kind in KINDS if kind not in tried]
    left = f"; not tried: {', '.join(missing)}" if missing else "; every kind is tried"
    return f"{len(plan.rules)} rules of {len(tried)} kinds, seed {plan.seed}{left if tried else ''}"


def outcome(faults: FaultPlan) -> str:
    """Return in one line which rules in force fired how often in all, and which never did; empty where there are none."""
    rules = faults.rules
    if not rules:
        return ""
    silent = [f"{rule.number} ({rule.kind} at {rule.site}{', never seen' if not rule.seen else ''})" for rule in rules if not rule.fired]
    left = f"; never fired: rule {', rule '.join(silent)}" if silent else "; every rule fired"
    return f"{sum(rule.fired for rule in rules)} faults of {len(rules)} rules{left}"
