"""Searching parameters: sets asked for in batches, evaluated on the cores here or on a cluster, each kept as a trial.

What is asked for depends on the search and on earlier batches alone, never on who evaluates or when it was interrupted: the same
search gives the same trials, and goes on where it was when it is asked for again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tasks.backtesting import Asked, open_
from trader_core.engine import strategies
from trader_core.engine.strategies.spec import Space
from trader_core.evidence import search
from trader_core.evidence.search import Job, Outcome
from trader_core.model.errors import BadInput
from trader_core.store.database import Connection, Engine, begin
from trader_core.store.trials import SearchRow, Trial, load_trials, save_search, save_trials
from trader_core.trader.code import code_hash

METHODS = ("grid", "random", "optuna")
BATCH = 8
"""Sets that are asked for together; a learning search sees what came of all batches before."""
CONNECT_S = 10

Sets = list[dict[str, int]]
Evaluate = Callable[[Sets], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched: a backtest but for its parameters, how, where, how often, and for what."""

    asked: Asked
    method: str
    spaces: dict[str, Space]
    evaluations: int
    seed: int
    objective: str

    def config(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        asked = self.asked
        return {
            "plan": asked.plan.to_json() | {"params": []}, "from_ms": asked.from_ms, "to_ms": asked.to_ms, "method": self.method,
            "spaces": {name: list(space) for name, space in self.spaces.items()}, "evaluations": self.evaluations, "seed": self.seed,
            "objective": self.objective,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that is done: its id, its trials in order, and how many of them were there before."""

    search_id: str
    trials: list[Trial]
    resumed: int


def run(engine: Engine, wanted: Wanted, *, dask: str = "", workers: int = 0, batch: int = BATCH) -> Searched:
    """Evaluate what is missing of a search and return all of it; raises BadInput for a cluster that does not answer."""
    job, row = _opened(engine, wanted)
    with begin(engine) as db:
        save_search(db, row)
        known = {one.number: one for one in load_trials(db, row.search_id)}
    resumed = len(known)
    trials: list[Trial] = []
    with _evaluator(job, dask, workers or os.cpu_count() or 1) as evaluate:
        for sets in _batches(wanted, trials, batch):
            numbered = list(enumerate(sets, len(trials)))
            missing = [(number, params) for number, params in numbered if number not in known]
            outcomes = evaluate([params for _, params in missing]) if missing else []
            fresh = [Trial(number, params, outcome) for (number, params), outcome in zip(missing, outcomes, strict=True)]
            with begin(engine) as db:
                save_trials(db, row.search_id, fresh)
            known |= {one.number: one for one in fresh}
            trials += [known[number] for number, _ in numbered]
    return Searched(row.search_id, trials, resumed)


def _opened(engine: Engine, wanted: Wanted) -> tuple[Job, SearchRow]:
    """Return the market in memory and the search's row; its id is what decides its results."""
    asked = wanted.asked
    with begin(engine) as db:
        market = _market(db, asked, wanted)
        market.piece_bars = 2**62
        (piece,) = market.pieces(db)
        assert market.data, "it was read to its end"
    strategy, config = strategies.find(asked.plan.strategy).name, wanted.config()
    identity = json.dumps([config, asked.venue, market.data, code_hash()], sort_keys=True, separators=(",", ":"))
    search_id = f"s-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    row = SearchRow(search_id, strategy, asked.venue, wanted.method, wanted.evaluations, config, market.data, code_hash())
    return Job(asked.plan, market.instruments, piece.bars, piece.warm), row


def _market(db: Connection, asked: Asked, wanted: Wanted) -> Any:
    market, _ = open_(db, asked)
    widest = {name: space.high for name, space in wanted.spaces.items()}
    market.lookback = max(market.lookback, strategies.find(asked.plan.strategy).lookback(widest))
    return market


def _batches(wanted: Wanted, trials: Sequence[Trial], batch: int) -> Iterator[Sets]:
    strategy = strategies.find(wanted.asked.plan.strategy)
    if wanted.method == "optuna":
        yield from _learning(wanted, trials)
        return
    if wanted.method == "grid":
        sets = search.grid(strategy, wanted.spaces)[: wanted.evaluations or None]
    else:
        sets = search.drawn(strategy, wanted.spaces, wanted.evaluations, wanted.seed)
    for start in range(0, len(sets), batch):
        yield sets[start : start + batch]


def _learning(wanted: Wanted, trials: Sequence[Trial]) -> Iterator[Sets]:
    """Ask Optuna's tree-structured Parzen estimator (Bergstra 2011), told of every trial before: a new one for each batch."""
    import optuna  # noqa: PLC0415 - a second that only this method pays

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    strategy = strategies.find(wanted.asked.plan.strategy)
    ranges: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.IntDistribution(s.low, s.high - (s.high - s.low) % s.step, step=s.step)
        for name, s in wanted.spaces.items()
    }
    while len(trials) < wanted.evaluations:
        sampler = optuna.samplers.TPESampler(seed=wanted.seed + len(trials), constant_liar=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for one in trials:
            value = one.outcome.score(wanted.objective)
            study.add_trial(optuna.trial.create_trial(params=one.params, distributions=ranges, value=value))
        sets: Sets = []
        for _ in range(min(BATCH, wanted.evaluations - len(trials))):
            params = dict(study.ask(ranges).params)
            for _ in range(50):
                if search.allowed(strategy, params):
                    break
                params = dict(study.ask(ranges).params)
            if not search.allowed(strategy, params):
                raise BadInput(f"a space in which {strategy.name} allows more sets", "50 refused draws in a row", "narrow it")
            sets.append(params)
        yield sets


@contextmanager
def _evaluator(job: Job, dask: str, workers: int) -> Iterator[Evaluate]:
    """Yield what evaluates sets in their order: threads here, for compiled code holds no lock, or a cluster's workers."""
    if not dask:
        with ThreadPoolExecutor(workers) as pool:
            yield lambda sets: list(pool.map(lambda params: search.evaluate(job, params), sets))
        return
    from distributed import Client  # noqa: PLC0415 - only a cluster's user pays for it

    try:
        client: Any = Client(dask, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"a Dask scheduler at {dask}", str(error)[:120], "start one, or leave --dask out") from error
    with client:
        shared = client.scatter(job, broadcast=True, hash=False)
        yield lambda sets: client.gather([client.submit(search.evaluate, shared, params, pure=False) for params in sets])
