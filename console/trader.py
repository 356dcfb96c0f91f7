"""The trader's process as a command: one per account."""

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from console import options, reach
from trader_core.model.errors import UnknownName
from trader_core.model.session import ACCOUNTS

if TYPE_CHECKING:
    from trader_core.settings import Settings

PARENT_S = 0.5


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("trader")(trader)


def trader(
    *,
    account: Annotated[str, typer.Option(help="paper, sandbox, or a real venue's: mexc.")] = "paper",
    parent: Annotated[int, typer.Option(help="Stop when this process is gone; 0: run until a signal.")] = 0,
) -> None:
    """Run the trader of one account until SIGTERM: it owns the lock, the key, the sockets and the account's sessions."""
    if account not in ACCOUNTS:
        raise UnknownName(f"an account of {', '.join(ACCOUNTS)}", repr(account), "choose one of them")
    from trader_core.log import configure

    settings = options.settings()
    configure(settings.log_level)  # without it a traceback shows every local, keys included
    with reach.database(settings) as server:
        asyncio.run(_serve(settings, server.url("trader"), account, parent))


async def _serve(settings: "Settings", url: str, account: str, parent: int) -> None:
    from trader_core.engine.warm import warm
    from trader_core.store.database import TRADER, open_engine
    from trader_core.trader.exporter import Exporter
    from trader_core.trader.opening import Opener
    from trader_core.trader.process import Trader

    engine = open_engine(url, limits=TRADER)
    home = settings.folder()
    process = Trader(engine, account, home)
    await asyncio.to_thread(warm)  # the first bar of a session must not wait for compiled code to be loaded
    process.run_session = Opener(
        engine, process.thread, home, switch=settings.orders_withheld(), tell=process.teller.tell, streams=settings.streams
    )
    exporter = Exporter(process)
    port = settings.metrics_port and settings.metrics_port + ACCOUNTS.index(account)
    pictures = asyncio.create_task(exporter.run()) if port and exporter.serve(port) else None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stopping.set)
    watch = asyncio.create_task(_watch_parent(parent, process.stopping)) if parent else None
    await process.serve()
    if pictures is not None:
        pictures.cancel()
    if watch is not None:
        watch.cancel()


async def _watch_parent(parent: int, stopping: asyncio.Event) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing signals the death of a parent
        await asyncio.sleep(PARENT_S)
    stopping.set()
