"""Mistakes in data that says what may happen: an entry that is missing, a move that leads elsewhere."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Swap:
    """A table with one mistake in it."""

    module: str
    name: str
    what: str
    value: Any

    def apply(self) -> None:
        """Put it where the right one was, in every module that has it by name."""
        right = getattr(sys.modules[self.module], self.name)
        for module in list(sys.modules.values()):
            if module.__name__.startswith("trader_core"):
                for name, value in list(vars(module).items()):
                    if value is right:
                        setattr(module, name, self.value)


def swaps(module: str, name: str) -> Iterator[Swap]:
    """Yield the table with each of its entries taken out."""
    table = getattr(sys.modules[module], name)
    if not isinstance(table, Mapping):
        for one in sorted(table):
            yield Swap(module, name, f"without {one}", type(table)(other for other in table if other != one))
        return
    for key, value in table.items():
        if not isinstance(value, Mapping):
            yield Swap(module, name, f"without {key}", {k: v for k, v in table.items() if k != key})
            continue
        for inner in value:
            less = {k: v for k, v in value.items() if k != inner}
            yield Swap(module, name, f"without {key} {inner}", MappingProxyType({**table, key: less}))
