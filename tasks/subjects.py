"""What a flow works on: a configured plan, or a road with the plan that it froze. Named by one text, so that only ids travel."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trader_core import config as configuration
from trader_core.config import PlanConfig, RoadConfig
from trader_core.engine import strategies
from trader_core.model.errors import BadInput
from trader_core.model.money import PPM
from trader_core.model.money import capital as capital_of
from trader_core.model.plan import Costs, Plan, Rule, adjust
from trader_core.model.stage import STAGES, StageName
from trader_core.settings import Settings
from trader_core.store.database import Connection
from trader_core.store.roads import list_roads, load_road

POSITIONS_DEFAULT = 5
SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Subject:
    """A plan and the road's rules for it; `road_id` is empty for a plan that walks no road."""

    name: str
    plan: PlanConfig
    road: RoadConfig
    road_id: str = ""

    def freeze(self) -> dict[str, Any]:
        """Return it as plain JSON values: what a road, or a stage, goes by from its start on."""
        return {"name": self.name, "plan": self.plan.model_dump(mode="json"), "road": self.road.model_dump(mode="json")}

    @property
    def sandbox(self) -> bool:
        """Tell whether all of it is a rehearsal on the embedded exchange."""
        return self.plan.venue == SANDBOX

    @property
    def account(self) -> str:
        """Return the account that holds its money."""
        return self.plan.venue

    @property
    def recipe(self) -> str:
        """Return what is judged and permitted."""
        return self.paper_plan().recipe(self.plan.venue)

    def paper_plan(self) -> Plan:
        """Return the plan that backtest, paper and dry-run trade."""
        return self._plan(capital_of(self.plan.capital))

    def stage_plan(self, stage: StageName, eur_ppm: int) -> Plan:
        """Return the plan of a stage: its working capital per position, and its loss budget as a breaker that latches.

        `eur_ppm`: what one EUR is worth in the settlement currency, in parts per million (trader_core.fx).
        """
        rung = STAGES[stage]
        budget = rung.loss_budget * eur_ppm // PPM
        plan = self._plan(self.road.working_capital(stage) * self.positions * eur_ppm // PPM)
        return replace(plan, limits=replace(plan.limits, loss_max=budget, daily_loss_max=budget, latch=True))

    @property
    def positions(self) -> int:
        """Return how many positions may be open at a time."""
        return self.plan.positions_max or min(len(self.plan.symbols), POSITIONS_DEFAULT)

    def _plan(self, capital: int) -> Plan:
        chosen = strategies.find(self.plan.strategy)
        found = strategies.parse_params(chosen, self.plan.params)
        plan = Plan(
            strategy=chosen.name, params=tuple(sorted(found.items())), symbols=self.plan.symbols, timeframe=self.plan.timeframe,
            capital=capital, stop_loss_ppm=self.plan.stop_loss_ppm, take_profit_ppm=self.plan.take_profit_ppm,
            costs=Costs(slippage_ppm=self.plan.slippage_ppm),
        )  # fmt: skip
        plan = adjust(plan, self.plan.settings)
        plan.require_tradable()
        others = tuple(rule_of(one.strategy, one.params, one.symbols) for one in self.plan.others)
        return replace(plan, limits=replace(plan.limits, positions_max=self.positions), others=others)


def rule_of(name: str, params: Mapping[str, int], symbols: tuple[str, ...]) -> Rule:
    """Return a further strategy of a plan; raises UnknownName or OutOfRange."""
    chosen = strategies.find(name)
    return Rule(chosen.name, tuple(sorted(strategies.parse_params(chosen, params).items())), symbols)


def of_road(db: Connection, road_id: str) -> Subject:
    """Return the subject that a road froze at its start; raises UnknownName."""
    return frozen(load_road(db, road_id).config, road_id)


def frozen(values: Mapping[str, Any], road_id: str = "") -> Subject:
    """Return the subject that `Subject.freeze` wrote down."""
    return Subject(str(values["name"]), PlanConfig(**values["plan"]).canonical(), RoadConfig(**values["road"]), road_id)


def of_plan(settings: Settings, name: str) -> Subject:
    """Return a configured plan; raises UnknownName, or BadInput for a file that cannot be read."""
    found = configuration.read(settings.folder())
    return Subject(name, configuration.plan_named(found, name), found.road)


def resolve(db: Connection, settings: Settings, plan: str, road_id: str) -> Subject:
    """Return the road's subject, the named plan's, or without either the newest road's; raises BadInput when there is none."""
    if plan and road_id:
        raise BadInput("a plan or a road", f"both: {plan!r} and {road_id!r}", "leave one of them out")
    if road_id:
        return of_road(db, road_id)
    if plan:
        return of_plan(settings, plan)
    newest = list_roads(db, 1)
    if not newest:
        raise BadInput("a plan's name, or a road", "neither, and no road was ever walked", "name a plan of `gatehouse init`'s file")
    return of_road(db, newest[0].road_id)
