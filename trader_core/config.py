"""What the user wants, read from `gatehouse.toml` in the home folder: plans, the road's stages, where alerts go. No secret stands there."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trader_core.model.bar import TIMEFRAMES_MS, canonical_symbol
from trader_core.model.errors import BadInput, UnknownName
from trader_core.model.money import UNIT
from trader_core.model.stage import STAGES, StageName

FILE = "gatehouse.toml"

Ppm = Annotated[int, Field(ge=0, le=1_000_000)]


class Part(BaseModel):
    """A table of the file: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OtherConfig(Part):
    """A further strategy of a plan, on some of its symbols."""

    strategy: str = Field(description="Name of a strategy.")
    params: dict[str, int] = Field(default_factory=dict, description="Its parameters; what is left out keeps its default.")
    symbols: tuple[str, ...] = Field(min_length=1, description="Those of the plan's symbols that it has.")


class PlanConfig(Part):
    """One plan: a strategy with its parameters on some instruments of one venue."""

    strategy: str = Field(default="sma_cross", description="Name of a strategy, for example sma_cross.")
    params: dict[str, int] = Field(default_factory=dict, description="The strategy's parameters; what is left out keeps its default.")
    venue: str = Field(default="sandbox", description="sandbox (the embedded exchange), mexc, ...")
    symbols: tuple[str, ...] = Field(min_length=1, max_length=60, description="Instruments of one quote currency, as BASE/QUOTE.")
    timeframe: str = Field(default="1m", description=f"Length of a bar: {', '.join(TIMEFRAMES_MS)}.")
    capital: str = Field(default="1000", description="Capital of backtest and paper, in the quote currency.")
    positions_max: int = Field(default=0, ge=0, le=60, description="Positions at a time; 0: one per instrument, at most 5.")
    stop_loss_ppm: Ppm = Field(default=0, description="Exit this far below the price paid, in parts per million; 0: none.")
    take_profit_ppm: int = Field(default=0, ge=0, le=100_000_000, description="Exit this far above it; 0: none.")
    slippage_ppm: Ppm = Field(default=500, description="Simulated fills are this much worse than the bar's open.")
    settings: dict[str, int | str] = Field(
        default_factory=dict,
        description="Other protections, limits and costs by name, such as trailing_ppm; see docs/backtesting.md.",
    )
    others: tuple[OtherConfig, ...] = Field(default=(), description="Further strategies; an instrument belongs to one of them.")
    history_days: int = Field(default=30, ge=1, le=3650, description="Days of history that are collected and backtested.")

    def canonical(self) -> "PlanConfig":
        """Return the plan with canonical symbols; raises UnknownName for a symbol or timeframe that cannot be."""
        if self.timeframe not in TIMEFRAMES_MS:
            raise UnknownName(f"a timeframe of {', '.join(TIMEFRAMES_MS)}", repr(self.timeframe), "choose one of them")
        others = tuple(one.model_copy(update={"symbols": tuple(map(canonical_symbol, one.symbols))}) for one in self.others)
        return self.model_copy(update={"symbols": tuple(map(canonical_symbol, self.symbols)), "others": others})


class StageRules(Part):
    """How long one stage lasts at least, and how it ends; money values stand in trader_core.model.stage."""

    hours_min: float = Field(gt=0, le=24 * 366, description="Hours of session time that the stage lasts at least.")
    episodes_min: int = Field(ge=0, le=10_000, description="Round trips that it must have made.")
    hours_max: float = Field(gt=0, le=24 * 366, description="Hours after which it ends, episodes or not.")
    accepted_capital_eur: float = Field(
        default=0, ge=0, lt=100, description="A larger working capital that you accept where the stage's own cannot trade; 0: its own."
    )


class RoadConfig(Part):
    """How a plan walks the road. Values below the defaults are a rehearsal: they can never open a permit on a real venue."""

    validation_hours: int = Field(default=72, ge=1, le=744, description="Hours of paper beside dry-run.")
    eur_1: StageRules = StageRules(hours_min=72, episodes_min=10, hours_max=336)
    eur_10: StageRules = StageRules(hours_min=168, episodes_min=30, hours_max=720)
    eur_100: StageRules = StageRules(hours_min=720, episodes_min=100, hours_max=2160)
    approval_skipped: bool = Field(default=False, description="Only on the embedded exchange.")

    @model_validator(mode="after")
    def _accepted(self) -> "RoadConfig":
        """Refuse an accepted capital that is smaller than the stage's own, or as large as the next stage's."""
        for name in STAGES:
            own, accepted = STAGES[name].working_capital / UNIT, self.rules(name).accepted_capital_eur
            if accepted and not own <= accepted < min(10 * own, 100):
                raise ValueError(f"accepted_capital_eur of {name}: from {own:g} to below {min(10 * own, 100):g}, not {accepted:g}")
        return self

    def rules(self, stage: StageName) -> StageRules:
        """Return how one stage goes."""
        found: StageRules = getattr(self, stage.lower())
        return found

    def working_capital(self, stage: StageName) -> int:
        """Return a stage's working capital per position: its own, or the larger one that was accepted; in account units of EUR."""
        return max(STAGES[stage].working_capital, round(self.rules(stage).accepted_capital_eur * UNIT))


class SlackConfig(Part):
    """Where alerts go; the webhook's address is a secret and stands in GATEHOUSE_SLACK_WEBHOOK or `gatehouse credentials set slack`."""

    enabled: bool = Field(default=True, description="Deliver alerts when a webhook is known.")


class Config(Part):
    """The whole file."""

    plans: dict[str, PlanConfig] = Field(default_factory=dict)
    road: RoadConfig = RoadConfig()
    slack: SlackConfig = SlackConfig()


def read(home: Path) -> Config:
    """Return what the file says, or the defaults without one; raises BadInput naming the place and what is wrong there."""
    path = home / FILE
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"a TOML file at {path}", str(error)[:200], "correct it, or write a new one with `gatehouse init`") from error
    return parse(raw, str(path))


def parse(raw: dict[str, Any], place: str) -> Config:
    """Return a Config from plain values; raises BadInput naming the place and what is wrong there."""
    try:
        found = Config.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where} in {place}: {first['msg']}", repr(first.get("input"))[:80], "correct it") from error
    return found.model_copy(update={"plans": {name: plan.canonical() for name, plan in found.plans.items()}})


def plan_named(config: Config, name: str) -> PlanConfig:
    """Return a plan by name; raises UnknownName."""
    if name not in config.plans:
        known = ", ".join(sorted(config.plans)) or "none: write one with `gatehouse init`"
        raise UnknownName(f"a plan of {known}", repr(name), "choose one of them")
    return config.plans[name]
