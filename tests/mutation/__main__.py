"""`make mutate`: plant one mistake after the other in the money code, and see whether the tests notice.

    python -m tests.mutation [engine|trader|journal|MODULE ...]

A mutant replaces its function's code in a forked process, so that nothing on disk changes. Ends with 1 when fewer than nine in ten
are noticed, or when a survivor is not explained in `SURVIVORS`. The engine runs plain where it is mutated itself.
GATEHOUSE_MUTANTS_ONE_IN=5 tries one in five.
"""

import os
import sys
from dataclasses import replace
from importlib import import_module

from tests.mutation.suites import ENGINE, SUITES, Suite


def _suite(names: list[str]) -> Suite:
    """Return the suite that is asked for, cut down to the modules that are named."""
    if not names or names[0] in SUITES:
        return SUITES[names[0]] if names else ENGINE
    for suite in SUITES.values():
        modules = tuple(one for one in suite.modules if one.rsplit(".", 1)[1] in names)
        if modules:
            return replace(suite, modules=modules, tables=tuple(t for t in suite.tables if t[0] in modules))
    sys.exit(f"expected one of {', '.join(SUITES)} or a module of theirs, found {' '.join(names)}")


if __name__ == "__main__":
    asked = _suite(sys.argv[1:])
    if asked.modules[0].startswith("trader_core.engine"):
        os.environ["GATEHOUSE_ENGINE"] = "python"
    sys.exit(import_module("tests.mutation.run").main(asked))
