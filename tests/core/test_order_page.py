"""The page about orders shows the table that the code follows."""

from tests.core.order_page import PAGE, page
from trader_core.model.order import TABLE


def test_the_page_of_orders_is_drawn_from_the_table_that_moves_them() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `python -m tests.core.order_page`"
    assert text.count("\n| ") >= sum(len(moves) for moves in TABLE.values())
