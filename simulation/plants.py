"""The wrong pieces that planted bugs put into the product: each is a replacement for one right piece, used in simulations alone."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from simulation.process import Process
from simulation.venue import SimVenue
from trader_core.engine import core
from trader_core.model.command import Command
from trader_core.model.errors import ChainBroken
from trader_core.model.order import OrderEvent, OrderState, client_order_id, decision_key
from trader_core.model.session import Mode, Refusal, Side
from trader_core.store import journal
from trader_core.trader import events as ev
from trader_core.trader import failing, machine, operating, settling, state
from trader_core.trader.records import Kind, Record
from trader_core.trader.run import Run
from trader_core.trader.tracked import Order
from trader_core.trader.verdicts import asked_again
from trader_core.venues import port


def resend(run_: Run, event: ev.Answered) -> None:
    """Send the same request again after a timeout."""
    settling.answered(run_, event)
    order = run_.state.orders[event.client_order_id]
    if event.reply.outcome is port.Outcome.UNKNOWN and order.state is OrderState.UNKNOWN:
        run_.effects.append(ev.Submit(order.request))


def resend_anew(run_: Run, event: ev.Answered) -> None:
    """Send the order again with a later time, as if the first had never left."""
    settling.answered(run_, event)
    order = run_.state.orders[event.client_order_id]
    if event.reply.outcome is port.Outcome.UNKNOWN:
        run_.effects.append(ev.Submit(replace(order.request, sent_ms=event.now_ms)))


def book_again(run_: Run, event: ev.TradesSeen) -> None:
    """Book what is known already."""
    known, run_.state.seen = run_.state.seen, set()
    settling.trades(run_, event)
    run_.state.seen |= known


def boot_forgets(run_: Run, event: ev.Boot) -> None:
    """Take what was being sent for never sent."""
    for order in list(run_.state.pending.values()):
        if order.state is OrderState.SENDING:
            run_.move(order, OrderEvent.ABANDON, event.now_ms, why="never sent")
    _BOOT(run_, event)


def look_only(run_: Run, order: Order, _now: int) -> None:
    """Look, and cancel nothing again."""
    run_.look(order)


def tick_sleeps(_run: Run, _event: ev.Tick) -> None:
    """Look at nothing again."""


def end_silently(run_: Run, order: Any, found: port.VenueOrder, now: int) -> None:
    """End an order without a record."""
    _COMPARE(run_, order, found, now)
    if order.open and found.state is port.VenueOrderState.EXPIRED:
        order.state = OrderState.EXPIRED


def release_unknown(state_: state.State, body: dict[str, Any]) -> None:
    """Let go what is not proven."""
    _MOVE(state_, body)
    if body["event"] == OrderEvent.LOSE:
        order = state_.orders[body["client_order_id"]]
        left = order.qty - order.filled
        core.on_release(state_.account, state_.slots, state_.plan_record, state_.grids, order.index, int(order.side), left, 0)


def believe_first_negative(run_: Run, order: Any, _watch: Any, now: int) -> None:
    """Take one look-up for proof."""
    run_.move(order, OrderEvent.ABSENT, now)


def drop_late(run_: Run, order: Any, trade: port.VenueTrade, now: int) -> None:
    """Drop a fill of an order that has ended."""
    if order.open:
        _FILL(run_, order, trade, now)


def write_hides_kill(run_: Run, kind: Kind, **body: Any) -> None:
    """Keep a kill in memory alone."""
    if body.get("flag") == "kill":
        state.apply(run_.state, Record(kind, body))
    else:
        _WRITE(run_, kind, **body)


def submit_at_once(process: Process, effect: ev.Submit) -> None:
    """Send before anything is durable."""
    process.send(effect.request)


def open_gate(_process: Process, _request: port.SendRequest) -> str:
    """Let everything pass."""
    return ""


def nothing(*_: Any) -> None:
    """Leave out what stood here."""


def resend_under_new_id(run_: Run, event: ev.Answered) -> None:
    """Take a timeout for a loss, and decide the same thing again."""
    settling.answered(run_, event)
    order, now = run_.state.orders[event.client_order_id], event.now_ms
    if order.state is not OrderState.UNKNOWN:
        return
    run_.move(order, OrderEvent.ABSENT, now)
    key = decision_key(run_.state.session_id, order.symbol, order.slot_ms, order.side.name, 2)
    cid = client_order_id(key)
    body = {
        "decision_key": key, "signal": order.signal, "instrument": order.index, "side": int(order.side), "qty": order.qty,
        "limit": order.limit, "reserve": 0, "cause": int(order.cause), "verdicts": 0, "ts": order.slot_ms,
    }  # fmt: skip
    run_.write(Kind.INTENT, client_order_id=cid, **body)
    sending = {"sent_ms": now, "window_ms": order.window_ms, "epoch": run_.state.epoch, "verdicts": 0, "plan": run_.state.plan_hash}
    run_.write(Kind.SENDING, client_order_id=cid, **sending)
    run_.effects.append(ev.Submit(port.SendRequest(cid, order.symbol, order.side, order.qty, order.limit, now, order.window_ms)))


def float_fee(run_: Run, order: Any, trade: port.VenueTrade, now: int) -> None:
    """Compute the fee again, in floats."""
    coin = run_.state.instruments[order.index]
    worth = trade.price / 10**coin.price_exp * (trade.qty / 10**coin.qty_exp)
    fee = int(worth * coin.taker_ppm / 1e6 * 1e10) if trade.fee else 0
    _FILL(run_, order, replace(trade, fee=fee), now)


def no_base_fee(run_: Run, order: Any, trade: port.VenueTrade, now: int) -> None:
    """Forget the fee that was taken in the base currency."""
    _FILL(run_, order, replace(trade, fee_base=0), now)


class Wall:
    """A breaker whose cooldown runs by the machine's own clock."""

    def __init__(self) -> None:
        """Stand at no time."""
        self.now_ms = self.until_ms = 0

    def handle(self, process: Process, event: ev.Event) -> None:
        """Read the clock before every step."""
        self.now_ms = process.wall_ms()
        _HANDLE(process, event)

    def run_bar(self, state_: state.State, ts_ms: int, bars: Any, targets: Any) -> Any:
        """Let the breaker open when the wall's clock says so, and not before."""
        account = state_.account
        tripped, until = int(account["breaker"][0]), int(account["breaker_until"][0])
        if tripped and (self.now_ms >= self.until_ms) != (ts_ms >= until):
            account["breaker_until"] = ts_ms if self.now_ms >= self.until_ms else ts_ms + 1
        found = _RUN_BAR(state_, ts_ms, bars, targets)
        if account["breaker"][0] and not tripped:
            self.until_ms = self.now_ms + state_.plan.limits.cooldown_ms
        return found


WALL = Wall()


def handle_by_the_wall(process: Process, event: ev.Event) -> None:
    """Read the machine's clock before every step."""
    WALL.handle(process, event)


def follow_but_the_last(session_id: str, end: journal.Head, rows: Iterable[journal.Link]) -> journal.Head:
    """Take the last row's word for its own hash."""
    found = list(rows)
    if not found:
        return end
    before = _FOLLOW(session_id, end, found[:-1])
    if found[-1][0] != before.seq + 1:
        raise ChainBroken("the next record", "another", "")
    return journal.Head(found[-1][0], found[-1][4])


def close_before_cancel(run_: Run, now: int, why: str) -> None:
    """Cancel nothing yet where everything is to be sold."""
    if why != Command.CLOSE_ALL:
        _CANCEL_ALL(run_, now, why)


def breaker_blocks_exits(state_: state.State, order: Order) -> tuple[Refusal, int]:
    """Let a tripped breaker stop what would lessen the risk."""
    if order.side is Side.SELL and state_.account["breaker"][0]:
        return Refusal(int(state_.account["breaker"][0])), 2
    return _ASKED_AGAIN(state_, order)


def stale_verdict(_state: state.State, _order: Order) -> tuple[Refusal, int]:
    """Send the intent's verdict along as if nothing had changed since."""
    return Refusal.NONE, 0


def empty_when_failed(run_: Run, event: ev.AbsenceEvidence) -> None:
    """Take a list that could not be read for an empty one."""
    opens, trades = event.open_orders, event.trades
    opens = opens if opens.outcome is port.Outcome.OK else port.Reply(port.Outcome.OK, [])
    trades = trades if trades.outcome is port.Outcome.OK else port.Reply(port.Outcome.OK, [])
    settling.absence(run_, replace(event, open_orders=opens, trades=trades))


def no_gap(*_: Any) -> str:
    """Believe any list of trades to be whole."""
    return ""


def count_nothing(_run: Run, _name: str) -> None:
    """Leave what came uncounted."""


def always_valid(_venue: SimVenue, _request: port.SendRequest, _now_ms: int) -> bool:
    """A venue that knows no window of validity."""
    return True


def lag_beyond(venue: SimVenue) -> int:
    """A venue that takes four times as long as it says until something is visible."""
    return 4 * _LAG(venue)


def quick_forgetting(run_: Run, event: ev.Event) -> None:
    """Close the breaker of errors as soon as a call is answered again."""
    _FOLLOW_CALLS(run_, event)
    if failing.FLAG in run_.state.flags and not run_.state.calls.above(run_.state.protocol.errors_share_ppm):
        run_.flag(failing.FLAG, "calls are answered again", run_.state.calls.now_ms, on=False)


def never_spent(_state: state.State, _event: ev.Event, effects: list[ev.Effect]) -> list[ev.Effect]:
    """Ask whatever there is to ask."""
    return effects


def no_fence(_store: Any, _epoch: int, _head: bytes) -> None:
    """Let everybody write."""


def stop_without_end(state_: state.State, index: int, now: int) -> bool:
    """Want a stop again and again, whatever is underway."""
    tried_ms = state_.vigil.tried_ms.get(index, 0)
    return state_.mode is not Mode.KILLED and now >= tried_ms + STOP_AGAIN_MS


def bare_though_covered(state_: state.State) -> list[int]:
    """Take what has a stop for bare."""
    return [i for i, coin in enumerate(state_.instruments) if state_.position(i) >= coin.lot]


def nothing_stays(_order: Any) -> bool:
    """Let a kill take every order, stops too."""
    return False


def exit_at_once(_run: Run, _order: Any, _now: int) -> bool:
    """Let an exit leave beside its stop."""
    return False


def never_outdated(_state: state.State, _stop: Any) -> bool:
    """Leave a stop as it is, whatever is held now."""
    return False


STOP_AGAIN_MS = 3_000
_BOOT = machine._HANDLERS[ev.Boot]  # noqa: SLF001 - bugs are planted inside
_MOVE: Callable[[state.State, dict[str, Any]], None] = state._APPLY[Kind.MOVE]  # noqa: SLF001
PROVEN = (*settling.PROVEN_ABSENT, port.Outcome.UNKNOWN)
_COMPARE = settling._compare  # noqa: SLF001
_FILL = settling._fill  # noqa: SLF001
_WRITE = Run.write
_HANDLE, _LAG = Process.handle, SimVenue.lag_ms
_RUN_BAR, _ASKED_AGAIN, _FOLLOW = state.run_bar, asked_again, journal.follow
_CANCEL_ALL, _FOLLOW_CALLS = operating.cancel_all, failing.follow
