"""I21 in the checker's own words: each trade that was shown is booked, known already, or left for a later reading; the counts add up."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from trader_core.model.command import Command
from trader_core.trader import events as ev
from trader_core.trader.records import Kind, Record

if TYPE_CHECKING:
    from simulation.books import Books

UNPROVEN = frozenset({"SENDING", "UNKNOWN", "QUARANTINED"})
ANSWERS = (ev.Answered, ev.Looked, ev.TradesSeen, ev.TradesProof, ev.AbsenceEvidence, ev.Examined)
TOLD = (*ANSWERS, ev.Operator)
"""What is counted; nothing else that happens changes a count."""


class Messages:
    """What one life of a process was told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.counts: Counter[str] = Counter()
        self._added: dict[str, int] = {}
        self._doubtful: set[str] = set()

    def before(self, books: "Books", event: ev.Event) -> None:
        """Take which symbols have an order of unknown fate before a step that may bring trades."""
        if not isinstance(event, ANSWERS):
            return
        coins = books.money.coins
        self._doubtful = {coins[books.intents[cid]["instrument"]].symbol for cid, state in books.states.items() if state in UNPROVEN}

    def after(self, books: "Books", event: ev.Event, records: list[Record], tally: dict[str, int]) -> None:
        """Find out what became of each trade in an event, and compare the trader's own counts."""
        counts, need = self.counts, books.need
        if not isinstance(event, TOLD):
            need(tally == self._added, "I21", "{} were counted, {} before, and nothing came", tally, self._added)
            return
        counts["answers_received"] += isinstance(event, ANSWERS)
        if isinstance(event, ev.Examined) or (isinstance(event, ev.Operator) and event.command is Command.RESOLVE):
            counts["words_received"] += any(record.kind is Kind.OPERATOR for record in records)  # until then it waits
        else:
            counts["words_received"] += isinstance(event, ev.Operator)
        if isinstance(event, ev.TradesSeen | ev.TradesProof):
            self._trades(books, event.reply.value or [], records)
        if isinstance(event, ev.AbsenceEvidence) and tally.get("trades_received", 0) > counts["trades_received"]:
            # Such a list is asked for one order: what is new in it counts when some of it may be that order's.
            booked = {record.body["trade_id"] for record in records if record.kind is Kind.FILL}
            self._trades(books, [t for t in event.trades.value or () if t.trade_id not in books.fills - booked], records)
        for name, count in counts.items():
            need(tally.get(name, 0) == count, "I21", "{} of {} were counted, {} came", tally.get(name, 0), name, count)
        for what in ("trades", "answers", "words"):
            fates = sum(count for name, count in tally.items() if name.startswith(what) and not name.endswith("received"))
            need(fates == tally.get(f"{what}_received", 0), "I21", "{} {} came, {} were dealt with", tally, what, fates)
        self._added = dict(tally)

    def _trades(self, books: "Books", trades: list[Any], records: list[Record]) -> None:
        booked = {record.body["trade_id"] for record in records if record.kind is Kind.FILL}
        known, fees = books.fills - booked, {record.body["trade_id"] for record in records if record.kind is Kind.FEE}
        for trade in trades:
            self.counts["trades_received"] += 1
            if trade.trade_id in fees and not trade.fee_due:
                self.counts["trades_applied"] += 1
                fees.discard(trade.trade_id)
            elif trade.trade_id in known:
                self.counts["trades_known"] += 1
            elif trade.trade_id in booked:
                self.counts["trades_applied"] += 1
                known.add(trade.trade_id)
            else:
                waits = not trade.client_order_id and trade.symbol in self._doubtful
                books.need(waits, "I21", "trade {} came, and nothing became of it", trade.trade_id)
                self.counts["trades_waiting"] += 1
