"""Mutants that no test can notice, or need not: each with the reason."""

SIDE = "a side is 1 or -1, never 0: both say the same"

SURVIVORS: dict[str, str] = {
    "guard.mode_refusal: Lt becomes LtE": SIDE,
    "guard.mode_refusal: 0 becomes 1": SIDE,
    "guard.buy_verdicts: 1 becomes 2": SIDE,
    "book.fill: Gt becomes GtE": SIDE,
    "book.release: Gt becomes GtE": SIDE,
    "book.take_buying: Gt becomes GtE": "nothing in flight has a worst cost of nothing: both say the same",
    "size.sellable: Gt becomes GtE": "what just fits the largest order is cut to itself: both say the same",
}
