"""Mutants that no test can notice, or need not: each with the reason."""

SIDE = "a side is 1 or -1, never 0: both say the same"

LOT = "which of the equally likely draws it is does not matter, only that it is the same each time and lies between the bounds"

SURVIVORS: dict[str, str] = {
    "guard.mode_refusal: Lt becomes LtE": SIDE,
    "guard.mode_refusal: 0 becomes 1": SIDE,
    "guard.buy_verdicts: 1 becomes 2": SIDE,
    "book.fill: Gt becomes GtE": SIDE,
    "book.release: Gt becomes GtE": SIDE,
    "book.take_buying: Gt becomes GtE": "nothing in flight has a worst cost of nothing: both say the same",
    "size.sellable: Gt becomes GtE": "what just fits the largest order is cut to itself: both say the same",
    "protect.watch_position: Gt becomes GtE": "a high that equals the top raises nothing: both say the same",
    "fills.slippage: Gt becomes GtE": "a draw between 0 and 0 is 0; and a side is 1 or -1: both say the same",
    "fills.slippage: Gt becomes LtE": LOT,
    "fills.slippage: Add becomes Sub": LOT,
    "fills.slippage: 2 becomes 3": LOT,
    "fills.taker_price: Gt becomes GtE": SIDE,
    "fills.fill_from: Gt becomes GtE": SIDE,
    "fills.fill_from: Mult becomes FloorDiv": "times or by 1 or -1: both say the same",
    "fills.meet: Mult becomes FloorDiv": "times or by 1 or -1: both say the same",
    "fills.meet: GtE becomes Gt": "an open at the very trigger has reached it inside the bar as well, at the same price",
    "fills.meet: 0 becomes 1": "an open at the very trigger has reached it inside the bar as well, at the same price",
    "fills.meet: Gt becomes GtE": SIDE,
}
