"""Judges a coverage report: every file of trader_core has a floor, and what moves money a higher one."""

import json
import sys
from pathlib import Path

FLOOR_PERCENT = 80.0
MONEY_PERCENT = 90.0
MONEY = ("trader_core/model/", "trader_core/engine/", "trader_core/trader/")


def findings(report: dict[str, dict[str, dict[str, dict[str, float]]]]) -> list[str]:
    """Return each file below its floor and each money package below the higher one, in words; none is good."""
    files = {name: entry["summary"] for name, entry in report["files"].items()}
    found = [
        f"{name}: {entry['percent_covered']:.1f} %, at least {FLOOR_PERCENT:.0f} % is asked of every file"
        for name, entry in sorted(files.items())
        if entry["percent_covered"] < FLOOR_PERCENT
    ]
    for package in MONEY:
        own = [entry for name, entry in files.items() if name.startswith(package)]
        covered, lines = sum(e["covered_lines"] for e in own), sum(e["num_statements"] for e in own)
        percent = 100 * covered / lines if lines else 0.0
        sys.stdout.write(f"{package} {percent:.1f} %\n")
        if percent < MONEY_PERCENT:
            found.append(f"{package}: {percent:.1f} %, at least {MONEY_PERCENT:.0f} % is asked of what moves money")
    return found


if __name__ == "__main__":
    wrong = findings(json.loads(Path(sys.argv[1]).read_text()))
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.exit(1 if wrong else 0)
