"""`python -m simulation` is `gatehouse simulate` without its options: a hundred seeds, and what they came to."""

import json
import sys
import time

from simulation.campaign import many


def main() -> int:
    """Print the sums over a hundred seeds and return 1 when any invariant was violated."""
    began = time.perf_counter()
    total = many(range(1, 101), 1)
    sys.stdout.write(json.dumps(total.values(time.perf_counter() - began), indent=1) + "\n")
    return 1 if total.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
