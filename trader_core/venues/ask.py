"""One request to a venue, before anything happened to it. Pure."""

from typing import NamedTuple


class Ask(NamedTuple):
    """What the client is asked for, where that lands on the venue's host, and what it weighs there."""

    method: str
    endpoint: str
    """The client's name of it."""
    section: tuple[str, ...]
    """The part of the client's API that it belongs to."""
    path: str
    """The path on the host."""
    params: dict[str, str]
    weight: int = 1
    private: bool = False
