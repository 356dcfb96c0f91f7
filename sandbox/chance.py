"""Chance that depends on what it is asked for and on nothing else: the same seed, rule and count give the same number. Pure."""

import hashlib

SPAN = 1 << 53


def chance(*what: int | str) -> float:
    """Return a number in [0, 1) that belongs to a seed and whatever else is named; no draw depends on another."""
    digest = hashlib.blake2b("|".join(map(str, what)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / SPAN


def pick(low: int, high: int, *what: int | str) -> int:
    """Return a whole number from `low` to `high`, both included."""
    return low + int(chance(*what) * (high - low + 1))
