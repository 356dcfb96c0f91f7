"""Fault plans as files: TOML or JSON to rules, every field checked before any rule is taken, and rules back to TOML."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from sandbox import fault_fields as fields
from sandbox.fault_fields import Known, Place
from sandbox.fault_kinds import KINDS
from sandbox.fault_rules import Fault, Plan
from trader_core.model.errors import BadInput, OutOfRange

FIELDS = ("site", "kind", "when", "nth", "count", "from", "until", "only", "params")
HEADS = FIELDS[:2]
"""What every rule says."""
COUNTS = ("seen", "fired")
"""What a rule that was read back from the exchange has besides."""
PARTS = ("seed", "rules")
BARE = re.compile("[A-Za-z0-9_-]+")
MANY = 1_000_000_000
RULES_MAX = 10_000
ANYTHING = Known()


def read(path: Path, start_ms: int, known: Known = ANYTHING) -> Plan:
    """Return the plan of a TOML or JSON file; offsets count from `start_ms`. Raises BadInput that names what is wrong where."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"a fault plan at {path}", str(error)[:200], "name a TOML or JSON file") from error
    return parse(text, path.name, start_ms, known)


def parse(text: str, place: str, start_ms: int = 0, known: Known = ANYTHING) -> Plan:
    """Return the plan that a text says, JSON where it begins like that and TOML otherwise; raises BadInput."""
    as_json = text.lstrip().startswith(("{", "["))
    try:
        data = json.loads(text) if as_json and not text.lstrip().startswith("[[") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"TOML or JSON in {place}", str(error)[:200], "correct that line") from error
    return plan_of(data, place, start_ms, known)


def plan_of(data: Any, place: str, start_ms: int = 0, known: Known = ANYTHING) -> Plan:
    """Return the plan that plain data says: a list of rules, or a table of `seed` and `rules`; raises BadInput and takes none."""
    if isinstance(data, list):
        data = {"rules": data}
    if not isinstance(data, dict) or set(data) - set(PARTS) or not isinstance(data.get("rules"), list):
        found = ", ".join(map(str, data)) if isinstance(data, dict) else repr(data)[:80]
        raise OutOfRange(f"a list of rules, or a table of {' and '.join(PARTS)}, in {place}", found or "nothing", "write [[rules]] tables")
    seed = data.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 1 << 63:
        raise OutOfRange(f"`seed` in {place}: a whole number of at least 0", repr(seed)[:80], "correct it")
    if len(data["rules"]) > RULES_MAX:
        raise OutOfRange(f"at most {RULES_MAX} rules in {place}", str(len(data["rules"])), "make do with fewer")
    rules = (_rule(Place(place, number), rule, seed, start_ms, known) for number, rule in enumerate(data["rules"], 1))
    return Plan(seed, tuple(rules))


def _rule(place: Place, data: Any, seed: int, start_ms: int, known: Known) -> Fault:
    if not isinstance(data, dict):
        raise OutOfRange(f"rule {place.rule} in {place.file} to be a table of {', '.join(FIELDS)}", repr(data)[:80], "write it so")
    for name in data:
        if name not in FIELDS + COUNTS:
            place.wrong(str(name), f"one of the fields {', '.join(FIELDS)}", data[name], "remove it, or write it right")
    for name in HEADS:
        if name not in data:
            place.wrong(name, "a text, which every rule must have", "nothing", "add it")
    kind = fields.kind_of(place, data["kind"])
    site = fields.site_of(place, data["site"], kind, known)
    fields.idle(place, KINDS[kind], data)
    count = data.get("count")
    since, since_ms = _moment(place, "from", data, start_ms)
    until, until_ms = _moment(place, "until", data, start_ms)
    if until_ms is not None and until_ms <= (start_ms if since_ms is None else since_ms):
        place.wrong("until", "a time after `from` and after the start", until)
    return Fault(
        site, kind, fields.when_of(place, data.get("when", "after"), kind),
        fields.whole_of(place, "nth", data.get("nth", 1), 1, MANY),
        None if count is None else fields.whole_of(place, "count", count, 1, MANY),
        fields.params_of(place, data.get("params", {}), kind, known), 0, 0, since, until, since_ms, until_ms,
        fields.only_of(place, data.get("only", {}), kind, known), seed, place.rule,
    )  # fmt: skip


def _moment(place: Place, name: str, data: dict[str, Any], start_ms: int) -> tuple[str, int | None]:
    return fields.moment_of(place, name, data[name], start_ms) if name in data else ("", None)


def written(plan: Plan) -> str:
    """Return a plan as TOML that reads back as the same plan; what is usual is left out."""
    parts = [f"seed = {plan.seed}\n"]
    for rule in plan.rules:
        data, usual = {**rule.data(), "count": rule.count}, {**Fault(rule.site, rule.kind).data(), "count": None}
        said = [name for name in FIELDS if name in HEADS or data.get(name) not in (None, usual.get(name))]
        parts.append("[[rules]]\n" + "".join(f"{name} = {_toml(data[name])}\n" for name in said))
    return "\n".join(parts)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it; texts as JSON does, which TOML reads alike."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name if BARE.fullmatch(name) else _toml(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
