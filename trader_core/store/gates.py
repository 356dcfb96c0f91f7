"""Gates as stored: append-only, each with its findings and the hashes that it rests on."""

from dataclasses import asdict

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from trader_core.evidence.gates import Gate
from trader_core.evidence.verdict import Finding, Verdict
from trader_core.model.errors import ChainBroken
from trader_core.store.road_tables import GATE_RESULT

FIELDS = ("gate_id", "road_id", "step", "gate", "subject", "judged_ms", "expires_ms")


def save_gate(db: Connection, gate: Gate) -> bool:
    """Store a judgement and say whether it is new; one of the same id stays as it is. Safe to repeat."""
    values = {name: getattr(gate, name) for name in FIELDS} | {
        "verdict": gate.verdict, "findings": [asdict(one) for one in gate.findings], "inputs": dict(gate.inputs), "digest": gate.digest(),
    }  # fmt: skip
    statement = insert(GATE_RESULT).values(values).on_conflict_do_nothing(index_elements=["gate_id"])
    return db.execute(statement.returning(GATE_RESULT.c.gate_id)).first() is not None


def load_gate(db: Connection, gate_id: str) -> Gate | None:
    """Return one judgement, or None; raises ChainBroken when a stored one is not what was judged."""
    row = db.execute(select(GATE_RESULT).where(GATE_RESULT.c.gate_id == gate_id)).mappings().one_or_none()
    return None if row is None else _gate(row)


def last_gate(db: Connection, subject: str, gate: str) -> Gate | None:
    """Return the newest judgement of a gate on a subject, or None."""
    query = select(GATE_RESULT).where(GATE_RESULT.c.subject == subject, GATE_RESULT.c.gate == gate)
    row = db.execute(query.order_by(GATE_RESULT.c.judged_ms.desc()).limit(1)).mappings().first()
    return None if row is None else _gate(row)


def of_road(db: Connection, road_id: str) -> list[Gate]:
    """Return a road's judgements, oldest first."""
    query = select(GATE_RESULT).where(GATE_RESULT.c.road_id == road_id).order_by(GATE_RESULT.c.judged_ms)
    return [_gate(row) for row in db.execute(query).mappings()]


def _gate(row: RowMapping) -> Gate:
    findings = tuple(Finding(**one) for one in row["findings"])
    gate = Gate(**{name: row[name] for name in FIELDS}, verdict=Verdict(row["verdict"]), findings=findings, inputs=row["inputs"])
    if gate.digest() != row["digest"]:
        raise ChainBroken(f"gate {gate.gate_id} as it was judged", "a row that was changed", "stop, and compare with a backup")
    return gate
