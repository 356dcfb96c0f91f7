"""What strategies share that act on events: the last one within a bounded memory decides, and none means flat."""

from typing import Any

import numpy as np

from trader_core.engine.kernel import kernel
from trader_core.model.money import BPS


@kernel
def held_since(events: Any, memory: int) -> Any:
    """Return targets i8[T] from events i8[T] (1 enter, -1 leave, 0 none): 10000 while an entry of the last `memory` bars is the newest."""
    targets = np.zeros(events.shape[0], np.int64)
    last, last_at = 0, 0
    for at in range(events.shape[0]):
        if events[at] != 0:
            last, last_at = events[at], at
        if last > 0 and at - last_at < memory:
            targets[at] = BPS
    return targets
