"""`python -m sandbox`: an embedded exchange in its own process."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.character import CHARACTERS
from sandbox.config import START_MS, USUAL, Config, instant_ms
from sandbox.fault_files import written
from sandbox.fault_rules import Plan
from sandbox.pairs import Rules
from sandbox.planning import described, from_file, from_seed, outcome
from sandbox.server import Sandbox, start
from sandbox.swarm import MINUTES, SHARE
from trader_core.model.errors import GatehouseError, OutOfRange
from trader_core.model.money import money

try:
    from uvloop import run
except ImportError:
    from asyncio import run

PARENT_POLL_S = 0.5
PID_MAX = 2**31 - 1
STARTED_BY = os.getppid()


def parser() -> argparse.ArgumentParser:
    """Return the options of the command."""
    options = argparse.ArgumentParser(prog="python -m sandbox", description="The embedded exchange, on loopback.")
    options.add_argument("--port", type=int, default=0, help="the clients' port; 0 takes a free one")
    options.add_argument("--admin-port", type=int, default=0, help="the operator's port; 0 takes a free one")
    options.add_argument("--announce", type=Path, help="file to write the addresses and keys to, readable by its owner alone")
    options.add_argument("--parent", type=int, default=0, help="stop when this process is gone")
    options.add_argument("--dialect", default="mexc", help="mexc, binance or kraken")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--start", default="", help="ISO time, default 2026-01-05T00:00 UTC")
    options.add_argument("--clock", default="stepped", help="stepped, or 1x to 60x")
    options.add_argument("--planted-trend", type=int, default=0, metavar="BPS", help="mean half height of planted swings; 0 is none")
    options.add_argument("--history-days", type=int, default=30)
    options.add_argument("--maker-ppm", type=int, help="default the dialect's, as for the next two")
    options.add_argument("--taker-ppm", type=int)
    options.add_argument("--notional-min", help="smallest worth of an order, in quote")
    options.add_argument("--credit", action="append", default=[], metavar="CURRENCY=AMOUNT", help="default 10000 of each quote currency")
    options.add_argument(
        "--replay", action="append", default=[], metavar="SYMBOL=FILE", help="Parquet minutes or trades instead of the seed"
    )
    options.add_argument("--replay-book", action="append", default=[], metavar="SYMBOL=SNAPSHOT,CHANGES", help="and the order book to it")
    options.add_argument("--market", default="usual", metavar="NAME", help=f"what the seeded market is like: {', '.join(CHARACTERS)}")
    _add_faults(options.add_argument_group("faults", "what goes wrong, from the start on (docs/faults.md)"))
    return options


def _add_faults(options: argparse._ArgumentGroup) -> None:
    options.add_argument("--faults", type=Path, metavar="FILE", help="a plan in TOML or JSON")
    options.add_argument("--swarm", type=int, metavar="SEED", help="a plan drawn from a seed")
    options.add_argument("--swarm-minutes", type=int, default=MINUTES, help=f"venue time within which its faults lie, default {MINUTES}")
    options.add_argument("--swarm-share", type=float, default=SHARE, help=f"share of the kinds that it has, default {SHARE}; 1 is all")
    options.add_argument("--check", action="store_true", help="say what the plan has, or what is wrong with it, and end")
    options.add_argument("--print", action="store_true", help="write the plan as TOML, and end")


def config_of(options: argparse.Namespace) -> Config:
    """Return the config that the options describe; raises GatehouseError."""
    config = Config(
        seed=options.seed, dialect=options.dialect, start_ms=instant_ms(options.start) if options.start else START_MS, clock=options.clock,
        trend_bps=options.planted_trend, history_days=options.history_days, rules=_rules(options),
        credits=_pairs(options.credit), replay=_pairs(options.replay), books=_pairs(options.replay_book), market=options.market,
        port=options.port, admin_port=options.admin_port,
    )  # fmt: skip
    return replace(config, faults=_plan(options, config))


def _plan(options: argparse.Namespace, config: Config) -> Plan:
    if options.faults is not None and options.swarm is not None:
        raise OutOfRange("a fault plan from a file or from a seed", "--faults and --swarm", "leave one out")
    if options.swarm is not None:
        return from_seed(options.swarm, config, options.swarm_minutes, options.swarm_share)
    return Plan() if options.faults is None else from_file(options.faults, config)


def _rules(options: argparse.Namespace) -> Rules:
    """Return the dialect's usual rules, but for what the options say."""
    least = options.notional_min
    said = {
        "maker_ppm": options.maker_ppm, "taker_ppm": options.taker_ppm,
        "notional_min": None if least is None else money(least, "notional-min"),
    }  # fmt: skip
    return replace(USUAL.get(options.dialect, Rules()), **{name: value for name, value in said.items() if value is not None})


def _pairs(texts: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [text.partition("=") for text in texts]
    if not all(name and value for name, _, value in pairs):
        raise OutOfRange("NAME=VALUE", ", ".join(texts), "write it so")
    return tuple((name, value) for name, _, value in pairs)


def announce(path: Path | None, body: dict[str, Any]) -> None:
    """Write the announcement at once and whole, readable by its owner alone; without a file, print it without secrets."""
    if path is None:
        public = {name: value for name, value in body.items() if name not in ("secret", "admin_token")}
        sys.stdout.write(json.dumps(public) + "\n")
        sys.stdout.flush()
        return
    if not path.parent.is_dir():
        raise OutOfRange("an existing folder for the announcement", str(path.parent), "make it, or name another file")
    draft = path.parent / f"{path.name}.{os.getpid()}"
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(body, file)
        draft.replace(path)
    except OSError as error:
        withdraw(draft)
        raise OutOfRange("a file that can be written for the announcement", str(error)[:200], "name another file") from error


def withdraw(path: Path | None) -> None:
    """Remove the announcement: nobody listens there any more."""
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink()


async def serve(config: Config, path: Path | None, parent: int) -> None:
    """Serve until SIGTERM, SIGINT or the parent's end."""
    sandbox: Sandbox = await start(config)
    over, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, over.set)
    body = {**sandbox.announcement(), "pid": os.getpid()}
    try:
        announce(path, body)
        while not over.is_set() and not (parent and _gone(parent)):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), PARENT_POLL_S)
    finally:
        await sandbox.stop()
        withdraw(path)
        if told := outcome(sandbox.faults):
            sys.stderr.write(f"{told}\n")


def _gone(pid: int) -> bool:
    """Return whether a process is over; our own parent is when somebody else became it, even if it lies unreaped."""
    if pid == STARTED_BY:
        return os.getppid() != pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0 when told to stop, 1 with one message when it cannot serve."""
    options = parser().parse_args(arguments)
    try:
        if not 0 <= options.parent <= PID_MAX:
            raise OutOfRange(f"a process from 1 to {PID_MAX}, or 0 for none", str(options.parent)[:40], "name the parent's")
        config = config_of(options)
        if options.check or options.print:
            sys.stdout.write(written(config.faults) if options.print else f"{described(config.faults)}\n")
            return 0
        run(serve(config, options.announce, options.parent))
    except GatehouseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
