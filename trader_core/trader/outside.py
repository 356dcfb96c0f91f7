"""What stands outside a session and has not been told to its machine yet: switches, permits, blocks. Pure."""

from collections.abc import Iterator

from trader_core.trader import events as ev
from trader_core.trader.control import Control
from trader_core.trader.state import State


def unsaid(state: State, control: Control, now_ms: int) -> Iterator[ev.Event]:
    """Yield what is to be told now, a kill first; each is asked for when the one before it has been taken.

    A switch that goes does not resume: only an operator's word does. A permit that is lost reduces until one stands again.
    """
    killed = control.killed()
    if killed and "kill" not in state.flags:
        yield ev.FlagSeen("kill", on=True, why=killed, now_ms=now_ms)
    paused = control.paused()
    if paused and "pause" not in state.flags:
        yield ev.FlagSeen("pause", on=True, why=paused, now_ms=now_ms)
    why = control.unpermitted()
    if bool(why) != ("permit" in state.flags):
        yield ev.FlagSeen("permit", on=bool(why), why=why or "a permit stands", now_ms=now_ms)
    if bool(control.key) != ("key" in state.flags):
        yield ev.FlagSeen("key", on=bool(control.key), why=control.key or "the key trades spot and does nothing else", now_ms=now_ms)
    for index, instrument in enumerate(state.instruments):
        why = control.blocked(instrument.symbol)
        if bool(why) != bool(state.slots["blocked"][index]):
            yield ev.BlockSeen(index, on=bool(why), why=why or "its data is checked and fine", now_ms=now_ms)
