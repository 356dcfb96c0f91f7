"""Orders that rest: a trader whose orders are limits at half the price instead of what takes at once. Nothing else is changed.

As a program it is the command line of such a trader.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from trader_core.trader import tracked
from trader_core.venues.port import SendRequest

GRID = 1_000


def request(*given: Any, **named: Any) -> SendRequest:
    """Return a request that rests far below the market."""
    made = SendRequest(*given, **named)
    return replace(made, order_type="LIMIT", limit=made.limit // 2 // GRID * GRID)


@contextmanager
def resting() -> Iterator[None]:
    """Have the machine of this process ask for orders that rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracked, "SendRequest", request)
        yield


if __name__ == "__main__":
    from console.main import main

    with resting():
        main()
