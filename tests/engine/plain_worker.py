"""A process whose engine is plain: it reads (plan, seed, rows) as pickles and answers with the digest of that run."""

import pickle
import struct
import sys

from tests.builders import random_market
from tests.engine.test_properties import NAMES, desk_of
from trader_core.engine import simulate
from trader_core.model.plan import Plan


def digest_of(chosen: Plan, seed: int, rows: int) -> bytes:
    """Return the digest of a run on a seeded market, and how many fills and decisions it had."""
    instruments, (market, wanted) = desk_of(chosen).instruments, random_market(seed, rows, len(NAMES))
    result = simulate.run(chosen, instruments, market, wanted)
    return f"{result.digest} {len(result.fills)} {len(result.decisions)}".encode()


if __name__ == "__main__":
    while header := sys.stdin.buffer.read(4):
        case = pickle.loads(sys.stdin.buffer.read(struct.unpack("<I", header)[0]))
        sys.stdout.buffer.write(digest_of(*case).ljust(100))
        sys.stdout.buffer.flush()
