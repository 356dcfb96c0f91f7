"""Gates as stored: what was judged, on which inputs, and how long it counts. A gate opens only by a fresh GO. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trader_core.evidence.verdict import Finding, Judgement, Verdict


@dataclass(frozen=True, slots=True)
class Gate:
    """One judgement on one subject; `inputs` holds the hashes of code, configuration and data that it rests on."""

    gate_id: str
    road_id: str
    step: str
    gate: str
    subject: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    inputs: Mapping[str, Any]
    judged_ms: int
    expires_ms: int

    def digest(self) -> str:
        """Return the SHA-256, in hex, of everything but the id."""
        body = {name: getattr(self, name) for name in self.__slots__ if name not in {"gate_id", "findings"}}
        text = json.dumps({**body, "findings": [asdict(one) for one in self.findings]}, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def judgement(self) -> Judgement:
        """Return what it said."""
        return Judgement(self.gate, self.verdict, self.findings)


def shut(gate: Gate | None, now_ms: int) -> str:
    """Return why a gate is shut, or an empty text for one that said GO and still counts: missing, stale, or any other word."""
    if gate is None:
        return "it was never judged"
    if gate.expires_ms <= now_ms:
        return f"{gate.gate} of {gate.gate_id} has expired"
    if gate.judged_ms > now_ms + 60_000:
        return f"{gate.gate} of {gate.gate_id} was judged in the future: a clock is wrong"
    if gate.verdict is Verdict.GO:
        return ""
    first = gate.judgement().first()
    return f"{gate.gate} says {gate.verdict}" + (f": {first}" if first else "")
