"""Which code is mutated together, and which tests have to notice."""

from dataclasses import dataclass

SILENT = ("-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore")


@dataclass(frozen=True, slots=True)
class Suite:
    """Modules, the tests that are run first, those that are run on what these let live, and seeds of the simulator on the rest."""

    modules: tuple[str, ...]
    fast: tuple[str, ...]
    slow: tuple[str, ...]
    seeds: int = 0
    wide: bool = False
    """Whether statements are left out and methods are mutated as well."""
    tables: tuple[tuple[str, str], ...] = ()
    """(module, name) of data that says what may happen: every entry is taken out in turn."""


ENGINE = Suite(
    modules=tuple(f"trader_core.engine.{name}" for name in ("guard", "book", "size", "protect", "fills")),
    fast=tuple(
        f"tests/engine/test_{name}.py"
        for name in ("edges", "rounding", "slippage", "guard", "book", "decide", "mark", "fills", "protect", "orders", "simulate")
    ),
    slow=("tests/engine/test_properties.py", "tests/engine/test_position_facts.py"),
)
_MACHINE = (
    "machine", "settling", "operating", "run", "state", "ordering", "tracked", "exiting", "letters", "protecting", "resting", "failing",
    "retrying", "continuity", "resolving", "verdicts", "external", "merging", "fees",
)  # fmt: skip
_BY_HAND = (
    "machine_rules", "machine_words", "machine_stops", "letters", "asked_again", "failing_calls", "retrying", "continuity", "resolving",
    "external", "spooled", "tally", "weak_venues", "checkpoints", "fees", "machine_events", "settling", "plans",
)  # fmt: skip
TRADER = Suite(
    modules=(*(f"trader_core.trader.{name}" for name in _MACHINE), "trader_core.model.order"),
    fast=tuple(f"tests/simulation/test_{name}.py" for name in _BY_HAND),
    slow=("tests/core/test_order.py",),
    seeds=60,
    wide=True,
    tables=(
        ("trader_core.model.order", "TABLE"),
        ("trader_core.model.order", "TERMINAL"),
        ("trader_core.model.order", "ABSENT_FOREVER"),
        ("trader_core.trader.run", "AT_VENUE"),
        ("trader_core.trader.run", "ASK"),
        ("trader_core.trader.run", "UNPROVEN"),
        ("trader_core.trader.settling", "PROVEN_ABSENT"),
        ("trader_core.trader.settling", "NEEDS_OPERATOR"),
        ("trader_core.trader.settling", "_ENDS"),
        ("trader_core.trader.operating", "CLEARED"),
        ("trader_core.trader.operating", "_FLAGS"),
        ("trader_core.trader.flags", "FLAG_MODES"),
    ),
)
JOURNAL = Suite(
    modules=("trader_core.store.journal", "trader_core.trader.records"),
    fast=("tests/store/test_journal.py",),
    slow=("tests/store/test_recovery.py", "tests/store/test_archive.py"),
    wide=True,
)
SUITES = {"engine": ENGINE, "trader": TRADER, "journal": JOURNAL}
