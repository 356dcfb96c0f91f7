"""The second tier as a command: `make sockets`.

    python -m tests.sockets [--plans 200] [--start 1] [--plan FILE] [--bug NAME] [--json] [--keep]
    python -m tests.sockets --figures [--rounds 20]

Exits with 1 where an invariant was violated, or where a campaign of 200 plans left a kind of fault out. `--keep` writes a plan that
failed into tests/sockets/found, where every run of the tests runs it again. `--figures` measures instead: recovery, fail-over, kill.
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.sockets.bugs import BUGS
from tests.sockets.campaign import FOUND, KINDS, Sums, campaign
from tests.sockets.checker import Outcome
from tests.sockets.draw import draw
from tests.sockets.figures import measured
from tests.sockets.plans import SockPlan, parse


def said(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def told(one: Outcome, *, keep: bool, quiet: bool) -> None:
    """Show what became of one plan."""
    if not quiet:
        fired = sum(one.fired.values())
        line = f"plan {one.plan.seed}: {one.orders} orders, {one.fills} fills, {one.boots} boots, {fired} faults, {one.seconds:.1f} s"
        said(line + ("" if not one.violations else f", VIOLATED {', '.join(sorted({name for name, _ in one.violations}))}"))
    for name, text in one.violations:
        sys.stderr.write(f"  {name}: {text}\n")
    if one.violations and keep:
        (FOUND / f"{one.plan.seed}.json").write_text(one.plan.text())
        sys.stderr.write(one.logs)


class Until:
    """Yields plans until SIGTERM: the one that runs then is finished, and what was found so far is shown."""

    def __init__(self, plans: Iterable[SockPlan]) -> None:
        self._plans, self._over = plans, False
        signal.signal(signal.SIGTERM, self._end)

    def _end(self, *_: object) -> None:
        self._over = True

    def __iter__(self) -> Iterator[SockPlan]:
        for plan in self._plans:
            if self._over:
                return
            yield plan


def table(sums: Sums) -> str:
    """Return the sums as text: faults by kind, words, and what was violated."""
    rows = [f"  {kind:<32}{sums.fired[kind]:>8}" for kind in KINDS]
    words = ", ".join(f"{name} {count}" for name, count in sorted(sums.said.items())) or "none"
    head = f"{sums.plans} plans, {sums.orders} orders, {sums.fills} fills, {sums.boots} boots, {sum(sums.fired.values())} faults"
    return "\n".join([
        "faults by kind", *rows, f"words: {words}", f"{head}, {sums.seconds:.0f} s, {len(sums.violations)} violations",
        *([f"never opened: {sums.unopened}"] if sums.unopened else []),
        *([f"never fired: {', '.join(sums.idle())}"] if sums.idle() else []),
    ])  # fmt: skip


def main() -> int:
    """Run, show the sums, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.sockets")
    parser.add_argument("--plans", type=int, default=200)
    parser.add_argument("--start", type=int, default=1)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--bug", default="", choices=["", *BUGS])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--figures", action="store_true")
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    if asked.figures:
        found = measured(asked.rounds, (lambda _: None) if asked.json else said)
        said(json.dumps(found, indent=1) if asked.json else f"load of the machine before and after: {found['load']}")
        return 0
    plans = [parse(asked.plan.read_text())] if asked.plan else (draw(seed) for seed in range(asked.start, asked.start + asked.plans))
    sums = campaign(Until(plans), lambda one: told(one, keep=asked.keep, quiet=asked.json), asked.bug)
    said(json.dumps(sums.to_json(), indent=1) if asked.json else table(sums))
    return 1 if sums.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
