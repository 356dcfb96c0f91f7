"""Run every shipped test and print what became of each. Exits with 1 on a failure.

python -m tests.conformance [--dialect mexc] [--rest]
"""

import argparse
import asyncio
import sys

from tests.conformance.plan import REST_ONLY, SYMBOL
from tests.conformance.run import Result, exchange, run, shipped


async def all_of(dialects: list[str], *, streams: bool) -> list[Result]:
    """Return the results of each dialect."""
    results = list[Result]()
    for dialect in dialects:
        async with exchange(dialect) as sandbox:
            results += await run(sandbox, shipped(streams=False), streams=False)
            if streams and dialect not in REST_ONLY:
                results += await run(sandbox, shipped(streams=True), streams=True)
    return results


def main() -> int:
    """Run, print a line for each test, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--dialect", choices=sorted(SYMBOL), default="")
    parser.add_argument("--rest", action="store_true", help="leave the websocket tests out")
    asked = parser.parse_args()
    results = asyncio.run(all_of([asked.dialect] if asked.dialect else sorted(SYMBOL), streams=not asked.rest))
    for result in results:
        sys.stdout.write(f"{result.dialect:8} {result.name:32} {result.outcome:12} {result.note}\n")
    counts = {outcome: sum(result.outcome == outcome for result in results) for outcome in ("passed", "FAILED", "skipped", "not offered")}
    sys.stdout.write(f"{counts}\n")
    return 1 if counts["FAILED"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
