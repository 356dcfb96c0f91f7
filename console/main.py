"""The command `gatehouse`: which commands there are, and what becomes of errors."""

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from console import show
from trader_core.model.errors import GatehouseError

MODULES = (
    "data", "backtest", "status", "local", "session", "road", "words", "trader", "demo", "bench", "venue", "credentials", "feasibility",
    "init", "quality", "alert", "permit", "strategy", "search", "audit", "letters", "resolve", "archive", "simulate",
)  # fmt: skip
"""Files of this folder that offer commands through `register(app)`; heavy imports wait inside the commands."""


class Commands(TyperGroup):
    """The group of all commands: an error of ours ends in one message and its exit code, Ctrl-C in none."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; raises typer.Exit with 1, 2, 3, 4 or 130 where it did not succeed."""
        try:
            return super().invoke(ctx)
        except GatehouseError as error:
            show.failure(error)
            raise typer.Exit(show.exit_code(error)) from error
        except OSError as error:
            from console import options

            fault = options.home_fault(error)
            if fault is None:
                raise
            show.failure(fault)
            raise typer.Exit(show.exit_code(fault)) from error
        except KeyboardInterrupt as stop:
            show.err().print("stopped")
            raise typer.Exit(show.EXIT_STOPPED) from stop


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the shape that the library calls
    if wanted:
        typer.echo(f"gatehouse {version('gatehouse')}")
        raise typer.Exit


@app.callback()
def gatehouse(
    *,
    _version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Take a crypto strategy from history to real money, one gate at a time."""


def _register() -> None:
    for name in MODULES:
        import_module(f"console.{name}").register(app)


_register()


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
