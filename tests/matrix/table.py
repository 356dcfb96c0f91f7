"""The outcomes as a page: a table for each dialect and kind of call, what is known of exceptions, and the totals. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sandbox.fault_kinds import REQUEST_KINDS
from tests.matrix.calls import GROUPS
from tests.matrix.known import CANNOT, EVERY, FALSE, LIES, Rule, rule_for
from tests.matrix.run import WHENS, Case, Result

UNHIT, FALSELY, LIED, BETWEEN = "no hit", " (false)", " (lie)", " / "
INTRO = """# What comes of every fault

Written by `make matrix`: each fault of a request that [the embedded exchange](sandbox.md) can act out, on each private call of [the
gateway](gateway.md), for each dialect, before the request is executed and after. The real exchange on loopback, the unmodified client, a
fresh account for each case, and afterwards the exchange's own books as the truth.

A row is a fault, a column a call; behind the colon stands which of its requests met the fault. `A / B` is the outcome when the request was
not executed, and when it was; one word is both. `late_execution` and `slow` execute in either case, and a read executes nothing.

| word | what it says |
|---|---|
| OK | proven by a whole answer: the order is there, the value was read |
| REJECTED, AUTH, CLOCK, RESTRICTED, GATED | of an order: proof that it is not there, by the code beside it. Of anything else: it failed |
| UNKNOWN | nothing is proven: the order is looked up by its client id |
| NOT_FOUND | the venue says that it does not know it now: by itself no proof of absence |
| RETRY, RATE | RETRYABLE_READ: the read failed and says nothing; RATE: for now there is no room to ask |
| nothing | there was nothing to cancel |
| no hit | the fault cannot hit: this answer has nothing that it changes |
| (false) | not true, and nothing in this one answer shows it: below stands what sees through it |
| (lie) | the venue executes and says that it did not |

A second request after the one that met the fault may be answered well: then the outcome is that of both, as `UNKNOWN, OK` for two orders.
A fault happens once. Streams, the faults of the world (read lag, halts, wrong balances ...) and calls without a key are not in here.
"""


def page(results: Sequence[Result]) -> str:
    """Return the whole page."""
    by_case = {result.case: result for result in results}
    parts = [INTRO, _totals(results)]
    for dialect in EVERY:
        for group, columns in GROUPS.items():
            names = [column.name for column in columns if dialect in column.dialects]
            parts.append(f"## {dialect}: {group}\n\n" + "".join(_table(dialect, names, by_case)))
    parts.append("## Lies\n\n" + "".join(_rules(LIES)))
    parts.append("## False, and what sees through it\n\n" + "".join(_rules(FALSE)))
    parts.append("## Faults that cannot hit\n\n" + "".join(_rules(CANNOT)))
    return "\n".join(parts)


def shown(result: Result) -> str:
    """Return what the table has of one case."""
    if rule_for(CANNOT, result.case):
        return UNHIT
    known = LIED if rule_for(LIES, result.case) else FALSELY if rule_for(FALSE, result.case) else ""
    wrong = result.judgement.violation or result.judgement.false
    return result.word.replace("RETRYABLE_READ", "RETRY") + (known or " (VIOLATION)" if wrong else "")


def faults(results: Sequence[Result]) -> list[str]:
    """Return everything that makes the run fail: what is untrue and on no list, what never fired, exceptions not needed."""
    return [f"{' '.join(result.case)}: {what}: {result.word}" for result in results for what in _wrong(result)]


def _wrong(result: Result) -> Iterator[str]:
    case, judgement = result.case, result.judgement
    unhit, lie, false = (rule_for(rules, case) is not None for rules in (CANNOT, LIES, FALSE))
    if judgement.violation and not lie:
        yield judgement.violation
    if judgement.false and (unhit or not false):
        yield f"false, and on no list: {judgement.false}"
    if result.fired == unhit:
        yield "a fault that cannot hit has fired" if unhit else "the fault never fired"
    if (lie and not judgement.violation) or (false and not unhit and not judgement.false):
        yield "an exception that is not needed"


def read(text: str) -> dict[Case, str]:
    """Return what a page says of each case."""
    found, dialect, columns = dict[Case, str](), "", list[str]()
    for line in text.splitlines():
        if line.startswith("## "):
            dialect, columns = line[3:].partition(":")[0], []
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["fault"]:
            columns = cells[1:]
        elif columns and cells and cells[0].strip("`") in REQUEST_KINDS:
            for column, cell in zip(columns, cells[1:], strict=True):
                both = cell.split(BETWEEN)
                found |= {Case(dialect, column, cells[0].strip("`"), when): both[at] for when, at in zip(WHENS, (0, -1), strict=True)}
    return found


def _table(dialect: str, names: list[str], by_case: dict[Case, Result]) -> Iterator[str]:
    yield f"| fault | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}\n"
    for kind in REQUEST_KINDS:
        cells = []
        for name in names:
            both = [shown(by_case[Case(dialect, name, kind, when)]) for when in WHENS]
            cells.append(BETWEEN.join(dict.fromkeys(both)))
        yield f"| `{kind}` | {' | '.join(cells)} |\n"


def _totals(results: Sequence[Result]) -> str:
    lines = ["## In all\n\n| | cases | fired | cannot hit | lies | false | violations |\n|---|---|---|---|---|---|---|\n"]
    for dialect in EVERY:
        mine = [result for result in results if result.case.dialect == dialect]
        count: Counter[str] = Counter()
        for result in mine:
            count["unhit"] += rule_for(CANNOT, result.case) is not None
            count["fired"] += result.fired
            lie = rule_for(LIES, result.case) is not None
            count["lies"] += bool(result.judgement.violation) and lie
            count["violations"] += bool(result.judgement.violation) and not lie
            count["false"] += bool(result.judgement.false)
        told = " | ".join(str(count[name]) for name in ("fired", "unhit", "lies", "false", "violations"))
        lines.append(f"| {dialect} | {len(mine)} | {told} |\n")
    return "".join(lines)


def _rules(rules: Sequence[Rule]) -> Iterator[str]:
    yield "| faults | call | dialect | when | why |\n|---|---|---|---|---|\n"
    for rule in rules:
        kinds, columns = (", ".join(f"`{one}`" for one in many) for many in (rule.kinds, rule.columns))
        yield f"| {kinds} | {columns} | {', '.join(rule.dialects)} | {', '.join(rule.whens)} | {rule.why} |\n"
