"""Drills as the journals show them: not that a word was said, but that it took effect and that the session went on after it. Pure."""

from collections.abc import Sequence

from trader_core.model.command import Command
from trader_core.trader.records import Kind, Record


def restarted(records: Sequence[Record], after_ms: int) -> bool:
    """Tell whether a trader took the session again after the slot before `after_ms`, and stepped on."""
    since = _after(records, after_ms)
    boots = [index for index, record in enumerate(since) if record.kind is Kind.BOOTED]
    return bool(boots) and _stepped(since[boots[0] :])


def killed(records: Sequence[Record], reason: str) -> tuple[bool, int]:
    """Return whether a kill with this reason took effect, slots were stepped under it, a resume ended it and the session went on.

    And how many orders were wanted between kill and resume: there may be none.
    """
    start = next((index for index, record in enumerate(records) if _word(record, Command.KILL) and record.body["reason"] == reason), None)
    if start is None:
        return False, 0
    rest = records[start + 1 :]
    end = next((index for index, record in enumerate(rest) if _word(record, Command.RESUME)), len(rest))
    under, after = rest[:end], rest[end:]
    resumed = bool(after) and after[0].body["outcome"] == "done"
    return resumed and _stepped(under) and _stepped(after), sum(record.kind is Kind.INTENT for record in under)


def _word(record: Record, command: Command) -> bool:
    return record.kind is Kind.OPERATOR and record.body["command"] == command


def _stepped(records: Sequence[Record]) -> bool:
    return any(record.kind is Kind.BARS for record in records)


def _after(records: Sequence[Record], after_ms: int) -> Sequence[Record]:
    """Return what follows the last slot that began before a moment; nothing when the session never came so far."""
    before = [index for index, record in enumerate(records) if record.kind is Kind.BARS and record.body["ts"] < after_ms]
    later = any(record.kind is Kind.BARS and record.body["ts"] >= after_ms for record in records)
    return records[before[-1] + 1 :] if before and later else []
