"""`make fuzz`: tell the gateway nonsense, and the embedded exchange too, and see whether anything but an outcome comes out.

Every answer goes through the unmodified client: only the socket is left out. Ends with 1 when something was found; each finding
names its seed and case, and `--case` runs that one again.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.fuzz import requests
from tests.fuzz.run import Tally, fuzz
from tests.fuzz.subject import VENUES, subject_of

PIECE = 10_000
DIALECTS = VENUES
TO = "to-"


class Piece(NamedTuple):
    """Cases of one seed: of the gateway on a venue's protocol, or of an exchange (to-mexc)."""

    who: str
    seed: int
    first: int
    size: int


def pieces(seed: int, mutations: int, asked: int) -> list[Piece]:
    """Return the work of a run: the mutations and requests shared out evenly."""
    shares = [(venue, -(-mutations // len(VENUES))) for venue in VENUES] + [(TO + one, -(-asked // len(DIALECTS))) for one in DIALECTS]
    made = [Piece(who, seed, first, min(PIECE, share - first)) for who, share in shares for first in range(0, share, PIECE)]
    return sorted(made, key=lambda piece: piece.first)


def run(piece: Piece) -> Tally:
    """Run one piece."""
    indexes = range(piece.first, piece.first + piece.size)
    if piece.who.startswith(TO):
        return requests.fuzz(piece.who.removeprefix(TO), piece.seed, indexes)
    return asyncio.run(_gateway(piece, indexes))


async def _gateway(piece: Piece, indexes: range) -> Tally:
    return await fuzz(await subject_of(piece.who), piece.seed, indexes)


def table(tally: Tally) -> Iterator[str]:
    """Yield a line for each venue and call: how often each outcome came of it."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for (venue, call, outcome), count in tally.counts.items():
        found.setdefault((venue, call), Counter())[outcome] += count
    for (venue, call), outcomes in sorted(found.items()):
        told = "  ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items()))
        yield f"{venue:10} {call:36} {outcomes.total():8}  {told}\n"


def main(words: list[str]) -> int:
    """Run the cases that the words ask for, and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutations", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--case", default="", help="one case again: mexc:17, or to-mexc:17")
    asked = parser.parse_args(words)
    if asked.case:
        who, _, index = asked.case.partition(":")
        work = [Piece(who, asked.seed, int(index), 1)]
    else:
        work = pieces(asked.seed, asked.mutations, asked.requests)
    total, begun = Tally(), time.monotonic()
    with ProcessPoolExecutor(min(len(work), max(asked.jobs, 1))) as pool:
        for tally in pool.map(run, work):
            total.add(tally)
    for line in table(total):
        sys.stdout.write(line)
    for text in total.findings:
        sys.stdout.write(f"\nFOUND  {text}")
    told = sum(piece.size for piece in work if not piece.who.startswith(TO))
    sent = sum(piece.size for piece in work) - told
    sys.stdout.write(f"\n{told} answers to the gateway, all through the unmodified client, and {sent} requests to the embedded exchange\n")
    sys.stdout.write(f"seed {asked.seed}, {time.monotonic() - begun:.0f} s, {total.found} findings\n")
    return 1 if total.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
