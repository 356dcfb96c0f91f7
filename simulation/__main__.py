"""`python -m simulation --seeds 200`: run seeds and say how many steps, faults of each kind and violations there were."""

import argparse
import sys
import time
from collections import Counter

from simulation.faults import Fault
from simulation.world import run


def main() -> int:
    """Print the sums over all seeds and return 1 when any invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    given = parser.parse_args()
    began, faults, violated = time.perf_counter(), Counter[Fault](), 0
    steps = orders = fills = checks = crashes = 0
    for seed in range(given.first, given.first + given.seeds):
        outcome = run(seed)
        faults += outcome.faults
        steps, orders, fills = steps + outcome.steps, orders + outcome.orders, fills + outcome.fills
        checks, crashes = checks + outcome.checks, crashes + outcome.crashes
        if outcome.violation is not None:
            violated += 1
            sys.stdout.write(f"seed {seed}: {outcome.violation}\n")
    elapsed_s = time.perf_counter() - began
    sys.stdout.write(f"{given.seeds} seeds, {steps} steps, {orders} orders, {fills} fills, {crashes} crashes, {checks} checks\n")
    for kind in Fault:
        sys.stdout.write(f"  {kind}: {faults[kind]}\n")
    sys.stdout.write(f"violations: {violated}; {elapsed_s:.1f} s, {steps / elapsed_s:.0f} steps/s\n")
    return 1 if violated else 0


if __name__ == "__main__":
    raise SystemExit(main())
