"""Dead letters: what could not be applied is kept raw and holds new risk until it is applied or a person has explained it. Pure."""

from typing import Any

from trader_core.model.command import Command
from trader_core.model.order import TABLE, OrderEvent
from trader_core.trader import events as ev
from trader_core.trader.records import Kind
from trader_core.trader.run import Run

SINCE_MS = 86_400_000
"""How far back trades are read again."""


def obeyed(run: Run, event: ev.Operator) -> str:
    """Replay or dismiss a letter, and say what became of it; replaying twice does nothing twice."""
    letter = run.state.letters.get(event.letter)
    if letter is None:
        open_ = ", ".join(map(str, run.state.letters)) or "none"
        return f"refused: expected an open letter of this session ({open_}); found {event.letter}; `gatehouse letters list` shows them"
    if event.command is Command.DISMISS:
        return _close(run, event, f"dismissed by {event.actor}: {event.reason}")
    return {"MOVE": _move, "TRADES": _trades}.get(letter["source"], _applied)(run, event, letter["raw"])


def _move(run: Run, event: ev.Operator, raw: dict[str, Any]) -> str:
    order = run.state.orders[raw["client_order_id"]]
    if OrderEvent(raw["event"]) not in TABLE.get(order.state, {}):
        return (
            f"refused: {order.client_order_id} is {order.state}, to which {raw['event']} means nothing; dismiss it once that is explained"
        )
    details = {name: value for name, value in raw.items() if name not in {"client_order_id", "event"}}
    run.move(order, OrderEvent(raw["event"]), event.now_ms, **details)
    return _close(run, event, "applied")


def _trades(run: Run, event: ev.Operator, raw: dict[str, Any]) -> str:
    run.state.unread.pop(raw["symbol"], None)
    run.effects.append(ev.FetchTrades(raw["symbol"], event.now_ms - SINCE_MS))
    return _close(run, event, "asked again; what cannot be read again becomes another letter")


def _applied(_run: Run, _event: ev.Operator, _raw: dict[str, Any]) -> str:
    return "refused: it was booked when it came, and is here to be explained; dismiss it once it is"


def _close(run: Run, event: ev.Operator, outcome: str) -> str:
    run.write(Kind.LETTER_CLOSED, number=event.letter, outcome=outcome, at_ms=event.now_ms)
    if not run.state.letters:
        run.flag("dead_letter", "no letter is left", event.now_ms, on=False)
    return outcome
