"""Draws docs/orders.md's picture and table from the order table itself: `python -m tests.core.order_page` writes them."""

from pathlib import Path

from trader_core.model.order import TABLE, TERMINAL, OrderState

PAGE = Path(__file__).parents[2] / "docs" / "orders.md"
BEGIN, END = "<!-- made from the order table: begin -->\n", "<!-- made from the order table: end -->\n"


def drawn() -> str:
    """Return the state diagram and the table of moves, as Markdown."""
    moves = [(state, event, target) for state in OrderState for event, target in TABLE.get(state, {}).items()]
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, event, target in moves:
        if state is not target:
            arrows.setdefault((state, target), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> DECIDED"]
    lines += [f"    {state} --> {target}: {', '.join(events)}" for (state, target), events in arrows.items()]
    lines += [f"    {state} --> [*]" for state in OrderState if state in TERMINAL]
    rows = [f"| {state} | {event} | {target} |" for state, event, target in moves]
    return "\n".join([*lines, "```", "", "| state | event | becomes |", "|---|---|---|", *rows, ""])


def page(text: str) -> str:
    """Return the page's text with the drawn part renewed."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + drawn() + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
