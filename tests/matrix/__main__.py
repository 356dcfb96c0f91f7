"""`make matrix`: measure every case and write docs/outcomes.md.

Ends with 1 where an answer contradicts the exchange, where a fault never fired that should, or, with `--check`, where the page is another.
"""

import argparse
import asyncio
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.matrix.run import Case, Result, cases, measure
from tests.matrix.table import faults, page

PAGE = Path(__file__).parents[2] / "docs" / "outcomes.md"
PIECE = 120


def run(piece: list[Case]) -> list[Result]:
    """Measure some cases of one dialect, on an exchange of their own."""

    async def all_of_them() -> list[Result]:
        return [result async for result in measure(piece)]

    return asyncio.run(all_of_them())


def main(words: list[str]) -> int:
    """Measure, write or compare the page, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare the page with what was measured, and leave it as it is")
    check = parser.parse_args(words).check
    every = cases()
    pieces = [every[at : at + PIECE] for at in range(0, len(every), PIECE)]
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        results = [result for piece in pool.map(run, pieces) for result in piece]
    wrong, text = faults(results), page(results)
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    if check and (not PAGE.exists() or PAGE.read_text() != text):
        sys.stdout.write(f"docs/{PAGE.name} is not what was measured: run `make matrix`\n")
        return 1
    if not check:
        PAGE.write_text(text)
    sys.stdout.write(f"{len(results)} cases, {sum(result.fired for result in results)} faults fired, {len(wrong)} findings\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
