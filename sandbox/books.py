"""The books of an exchange's markets: recorded ones where there are any, else those drawn from the seed. Pure."""

from collections.abc import Mapping

from sandbox.book import Book, book_at
from sandbox.pairs import Pair
from sandbox.recorded_book import RecordedBook


class Books:
    """The book of any tick of any market, before anybody took of it."""

    def __init__(self, seed: int, pairs: Mapping[str, Pair], recorded: Mapping[str, RecordedBook] | None = None) -> None:
        """Draw from a seed; `recorded` is by market."""
        self._seed, self._pairs, self._recorded = seed, pairs, recorded or {}

    def at(self, name: str, tick: int, last: int) -> Book:
        """Return the book at a tick, counted from 1970 in steps of five seconds, whose price is `last`."""
        recorded = self._recorded.get(name)
        found = recorded.at(tick, last) if recorded is not None else None
        return book_at(self._seed, self._pairs[name], tick, last) if found is None else found
