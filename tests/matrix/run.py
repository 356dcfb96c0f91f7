"""Runs cases, each on an account of its own, and says what came of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

from sandbox.fault_kinds import REQUEST_KINDS
from tests.matrix.bench import Floor, opened
from tests.matrix.calls import COLUMNS, Column
from tests.matrix.judge import ABSENT, Judgement, What, judge
from trader_core.venues.port import Reply

WHENS = ("before", "after")
LATE = frozenset({"timeout", "slow"})
"""Kinds that answer after we have given up."""
DEFERRED = frozenset({"slow", "late_execution"})
"""Kinds that execute a request in any case, sooner or later."""
PATIENCE_S, DELAY_S, USUAL_S = 0.5, 0.7, 20.0
LATE_MS = 5_000
"""Of venue time, after which nothing more comes into being: more than a late execution's delay and every request's window."""


class Case(NamedTuple):
    """One fault on one request of one call."""

    dialect: str
    column: str
    kind: str
    when: str


class Result(NamedTuple):
    """What came of a case; `word` stands in the table."""

    case: Case
    word: str
    fired: bool
    judgement: Judgement


def cases(dialects: Iterable[str] = ("mexc", "binance", "kraken")) -> list[Case]:
    """Return every case: each request kind on each call of each dialect, before and after it is executed."""
    return [
        Case(dialect, column.name, kind, when)
        for dialect in dialects
        for column in COLUMNS.values()
        if dialect in column.dialects
        for kind in REQUEST_KINDS
        for when in WHENS
    ]


async def measure(wanted: Iterable[Case]) -> AsyncIterator[Result]:
    """Yield what came of each case; those of one dialect share an exchange."""
    chosen = list(wanted)
    for dialect in dict.fromkeys(case.dialect for case in chosen):
        async with opened(dialect) as floor:
            for case in chosen:
                if case.dialect == dialect:
                    yield await _measured(floor, case)


async def _measured(floor: Floor, case: Case) -> Result:
    column, faults = COLUMNS[case.column], floor.sandbox.faults
    async with floor.bench(PATIENCE_S if case.kind in LATE else USUAL_S) as bench:
        column.arrange(bench)
        bench.executed = case.when == "after" or case.kind in DEFERRED
        site = column.site(floor.dialect)
        faults.add([{"site": site, "kind": case.kind, "when": case.when, "params": _params(case.kind, column, site)}])
        try:
            answer = await column.ask(bench)
            if case.kind in LATE:
                await asyncio.sleep(DELAY_S - PATIENCE_S + 0.1)
            floor.pass_ms(LATE_MS)
            rule = faults.rules[0]
        finally:
            faults.clear()
        seen = column.truth(bench, answer)
        return Result(case, _word(column.what, answer), rule.fired == 1, judge(seen))


def _params(kind: str, column: Column, site: str) -> dict[str, Any]:
    """Return a fault's parameters: a redirect leads to the very same request, and late answers come after we have given up."""
    usual: dict[str, dict[str, Any]] = {
        "307": {"location": site.partition(" ")[2]},
        "timeout": {"seconds": DELAY_S},
        "slow": {"seconds": DELAY_S},
    }
    return {**usual.get(kind, {}), **column.faults.get(kind, {})}


def _word(what: What, answer: Reply[Any] | list[Reply[Any]]) -> str:
    """Return the outcomes of an answer, those that are proof of absence with their code."""
    replies = answer if isinstance(answer, list) else [answer]
    coded = [f"{one.outcome} `{one.code}`" if what is What.ORDER and one.outcome in ABSENT else f"{one.outcome}" for one in replies]
    return ", ".join(dict.fromkeys(coded)) or "nothing"
