"""Counting what came from outside: each trade, answer and word was applied, was ignored for a reason, or is a dead letter. Pure.

`received` is counted where something comes in, the fates where it is dealt with: they add up, or something was lost on the way. The
counts are a process's own and not journaled; what is stored of them adds up over its lives.
"""

from typing import Any

from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.run import Run
from trader_core.venues.port import Outcome

RECEIVED = "received"
FATES = {
    "trades": ("applied", "known", "waiting", "foreign"),
    "answers": ("applied", "known", "unread", "lettered"),
    "words": ("applied", "refused", "repeated"),
}
"""What can become of each kind. known: it says nothing new. waiting: it may be an unproven order's, and is read again. foreign: not
ours, set aside. unread: a read that failed proves nothing. repeated: carried out already under its number."""
NAMES = tuple(f"{what}_{fate}" for what, fates in FATES.items() for fate in (RECEIVED, *fates))
_ANSWERS = (ev.Answered, ev.Looked, ev.TradesSeen, ev.TradesProof, ev.AbsenceEvidence, ev.Examined)


def count(run: Run, event: ev.Event) -> None:
    """Count an answer of the venue, or a word, by what the machine made of it; trades are counted where they are booked."""
    if isinstance(event, _ANSWERS):
        _add(run, "answers", _of_answer(run, event))
    if isinstance(event, ev.Operator) and not any(isinstance(effect, ev.Examine) for effect in run.effects):
        _add(run, "words", _of_word(run, event.command_id))
    if isinstance(event, ev.Examined):  # until then the word had to wait
        _add(run, "words", _of_word(run, event.word.command_id))


def _add(run: Run, what: str, fate: str) -> None:
    run.count(f"{what}_{RECEIVED}")
    run.count(f"{what}_{fate}")


def _of_answer(run: Run, event: Any) -> str:
    if any(record.kind is Kind.LETTER for record in run.records):
        return "lettered"
    if run.records or run.effects:
        return "applied"
    replies = [getattr(event, name) for name in ("reply", "looked", "open_orders", "trades") if hasattr(event, name)]
    return "known" if all(reply.outcome in {Outcome.OK, Outcome.NOT_FOUND} for reply in replies) else "unread"


def _of_word(run: Run, command_id: int) -> str:
    said = [r.body for r in run.records if r.kind is Kind.OPERATOR and r.body["command_id"] == command_id]
    if not said:
        return "repeated"
    return "refused" if said[0]["outcome"].startswith("refused") else "applied"
