"""The page docs/schemas.md, written from the data: `python -m tests.venues.published_schemas.page > docs/schemas.md`."""

import sys
from collections import defaultdict

from tests.venues.published_schemas.dialects import DIALECTS
from tests.venues.published_schemas.shapes import Dialect

TITLES = {"mexc": "MEXC", "binance": "Binance", "kraken": "Kraken"}
INTRODUCTION = """\
# Our answers and published ones

The ccxt project publishes payloads that it captured from exchanges: responses, markets, currencies and websocket messages among its tests,
and more in the comments of its client. They were read, not copied: `tests/venues/published_schemas/` holds names of fields and types of
values, the method where they were found, and every difference that is meant.
`tests/venues/test_published_schemas.py` asks the running exchange for
everything it answers, compares, and fails where a difference is not on the list, where one on the list is gone, where an endpoint is not
classified, and where this page is not what the data says.

What this does not show:

- Values, and what follows from them, are not compared; only names and types are.
- Most captures went through the client's parser, which puts quotes around numbers: where no comment shows the number bare, number and text
  both pass.
- Captures date from 2019 to 2026, and an exchange may have changed since. A field is required where every capture of a case has it, newer
  ones counting more.
- Binance's filters are compared by name. Of MEXC's futures only what a market is made of was written down, since there are none here.
- MEXC's messages are protobuf: they are compared as the client decodes them.

"equal" means the same fields and types; a field that captures have only sometimes may be absent.
"""


def page() -> str:
    """Return the page."""
    return INTRODUCTION + "".join(_chapter(TITLES[name], dialect) for name, dialect in DIALECTS.items())


def _chapter(title: str, dialect: Dialect) -> str:
    equal = sum(case not in dialect.differences for case in dialect.published)
    differ = len(dialect.published) - equal
    rows = {case: (known.read_from, _result(dialect.differences.get(case, {}))) for case, known in dialect.published.items()}
    rows |= {case: ("", f"no payload published: {note}") for case, note in dialect.unpublished.items()}
    table = "".join(f"| `{case}` | {read_from} | {result} |\n" for case, (read_from, result) in rows.items())
    counts = f"{equal} equal, {differ} with differences, {len(dialect.unpublished)} without a published payload."
    return f"\n## {title}\n\n{counts}\n\n| endpoint | compared with | result |\n|---|---|---|\n{table}"


def _result(differences: dict[str, str]) -> str:
    if not differences:
        return "equal"
    by_reason = defaultdict(list)
    for finding, reason in differences.items():
        by_reason[reason].append(f"`{finding}`")
    return "; ".join(f"{', '.join(found)}: {reason}" for reason, found in by_reason.items())


if __name__ == "__main__":
    sys.stdout.write(page())
