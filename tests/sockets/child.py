"""What runs in the processes of a plan: the trader and the exchange, each by its own command.

They are forked from a process that has imported everything, which saves seconds per plan; from there on each is a process as any
other, with sockets, files and an end of its own.
"""

import os
import sys
from functools import partial
from pathlib import Path

TIMEOUT_S = 2.0
"""How long a trader waits for the exchange: as an operator could set it, so that a plan takes seconds."""


def _alone(log: Path) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def trader(account: str, home: Path, database_url: str, log: Path, bug: str, timeout_s: float) -> None:
    """Run `gatehouse trader` in this process, with a planted bug where one is named."""
    _alone(log)
    os.environ.update(GATEHOUSE_HOME=str(home), GATEHOUSE_DATABASE_URL=database_url)
    from console.main import main  # noqa: PLC0415 - after the environment is set
    from trader_core.trader import opening  # noqa: PLC0415

    opening.Opener = partial(opening.Opener, timeout_s=timeout_s)  # type: ignore[misc,assignment]
    if bug:
        from tests.sockets.bugs import plant  # noqa: PLC0415

        plant(bug)
    sys.argv = ["gatehouse", "trader", "--account", account, "--parent", str(os.getppid())]
    main()


def exchange(arguments: list[str], log: Path) -> None:
    """Run `python -m sandbox` in this process."""
    _alone(log)
    from sandbox.__main__ import main  # noqa: PLC0415

    sys.exit(main([*arguments, "--parent", str(os.getppid())]))
