"""What is known of cases beforehand: which faults cannot hit, which answers are false, and which lie nobody could see through. Pure."""

from fnmatch import fnmatchcase
from typing import NamedTuple

from tests.matrix.run import WHENS, Case

EVERY = ("mexc", "binance", "kraken")
FAMILY = ("mexc", "binance")


class Rule(NamedTuple):
    """Cases that have something in common, and why; names of columns may be patterns."""

    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    why: str
    dialects: tuple[str, ...] = EVERY
    whens: tuple[str, ...] = WHENS

    def concerns(self, case: Case) -> bool:
        """Return whether a case is meant."""
        column = any(fnmatchcase(case.column, pattern) for pattern in self.columns)
        return case.kind in self.kinds and column and case.dialect in self.dialects and case.when in self.whens


LISTS, IDS, STATUS, NUMBERS = ("partial_list", "empty_list"), ("wrong_client_id",), ("unknown_status",), ("bad_number_200",)
NO_LIST, NO_NUMBER = "the answer holds no list with anything in it", "the answer holds no number"
CANNOT = (
    Rule(("crossed_book",), ("*",), "no answer to a private call holds an order book"),
    Rule(
        LISTS, ("look-up, *", "cancel", "order test", "by symbol: look-up", "trades: their orders' names"), "the answer is one object",
        FAMILY,
    ),
    Rule(LISTS, ("order [A-Z]*", "fees"), "the answer is one object", ("mexc",)),
    Rule(LISTS, ("order LIMIT", "order POST_ONLY", "order STOP", "permissions"), NO_LIST, ("binance",)),
    Rule(
        LISTS, ("order IOC", "order MARKET"), "the acknowledgement of an order that is not there lists no fills", ("binance",), ("before",),
    ),
    Rule(LISTS, ("by symbol: one request",), "what is not executed is answered with one object", FAMILY, ("before",)),
    Rule(LISTS, ("cancel", "by symbol: one by one", "dead man's switch"), "the answer is a number or a time", ("kraken",), ("after",)),
    Rule(LISTS, ("look-up, absent: *", "look-up, filled: open list", "cancel: open list"), "the list is empty as it is", ("kraken",)),
    Rule(STATUS, ("trades",), "trades have no status", FAMILY),
    Rule(IDS, ("trades",), "Binance's trades name no client id", ("binance",)),
    Rule(IDS + STATUS, ("fees",), "the answer is a list of rates", ("binance",)),
    Rule(NUMBERS, ("look-up, absent",), NO_NUMBER, FAMILY),
    Rule(NUMBERS, ("fees",), "the fault knows amounts, and no rates", FAMILY),
    Rule(NUMBERS, ("order test",), NO_NUMBER, FAMILY, ("after",)),
    Rule(NUMBERS, ("permissions",), NO_NUMBER, ("binance", "kraken")),
    Rule(
        NUMBERS,
        (
            "order *", "cancel", "by symbol: one by one", "dead man's switch", "cancel: open list", "look-up, absent: *",
            "look-up, filled: open list",
        ), NO_NUMBER, ("kraken",),
    ),
    Rule(NUMBERS, ("balances",), "the fault knows the amounts of orders, and not those of balances", ("kraken",)),
    Rule(("wrong_types",), ("order test",), "the answer is an empty object", FAMILY, ("after",)),
    Rule(("wrong_types",), ("cancel: open list", "look-up, absent: open list", "look-up, filled: open list"), NO_LIST, ("kraken",)),
)  # fmt: skip
"""Faults that change nothing of these answers."""

_TWICE = (
    "no proof: absence takes two look-ups a second apart, later than every window, and then both lists (`_not_found` and `absence` in"
    " trader_core/trader/settling.py)"
)
FALSE = (
    Rule(LISTS + IDS, ("open orders",), f"{_TWICE}; a cancel by symbol reads it twice"),
    Rule(
        LISTS, ("trades",),
        "an order's look-up says how much of it was filled, and trades are asked for until they add up to it (`_compare` in"
        " trader_core/trader/settling.py)", FAMILY,
    ),
    Rule(
        IDS, ("trades",), "a trade is booked by the venue's id of its order as well (`_by_venue_id` in trader_core/trader/settling.py)",
        ("mexc",),
    ),
    Rule(
        IDS, ("trades: their orders' names",),
        "a trade is booked by the venue's id of its order as well; that of an order that was never acknowledged counts as somebody else's:"
        " an anomaly, and the order stays unsettled until somebody looks", ("binance", "kraken"),
    ),
    Rule(
        ("partial_list",), ("balances",),
        "the books are compared with the journal whenever nothing is on its way; what differs twice halts the session"
        " (`reconcile` in trader_core/trader/shell.py)",
    ),
    Rule(LISTS + IDS, ("look-up, open: open list", "look-up, filled: closed list"), _TWICE, ("kraken",)),
    Rule(
        ("clock_error",), ("order test",), "a number that came too late is refused like an order; a test places nothing either way",
        ("kraken",),
    ),
)  # fmt: skip
"""Answers that are not true, and what sees through them."""

LIES = (
    Rule(
        ("clock_error",), ("order [A-Z]*",),
        "executed, and then refused with a code that is documented as checked before the order is: no protocol survives a liar, but it is"
        " found out: the fill is booked late, the books differ, the session halts (a test in tests/integration/test_order_faults.py)",
        whens=("after",),
    ),
)  # fmt: skip
"""Violations that stay."""


def rule_for(rules: tuple[Rule, ...], case: Case) -> Rule | None:
    """Return the first rule that concerns a case."""
    return next((rule for rule in rules if rule.concerns(case)), None)
