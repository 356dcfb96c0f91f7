"""Digests of runs that use every part of the engine, as one JSON line: `python -m tests.engine.parity_report`."""

import json
import sys

from tests.builders import instrument, money, plan, random_market
from trader_core.engine import simulate, strategies
from trader_core.engine.arithmetic import mix, multiply_divide

NAMES = ("A/U", "B/U", "C/U")
ROWS = 150
PARAMS: dict[str, dict[str, int]] = {
    "sma_cross": {"fast": 3, "slow": 9}, "breakout": {"entry": 5, "exit": 3}, "metronome": {"on": 3, "off": 4},
    "momentum": {"period": 4}, "rsi_reversion": {"period": 4, "low": 40}, "buy_and_hold": {},
    "ema_cross": {"fast": 2, "slow": 5}, "macd": {"fast": 2, "slow": 4, "signal": 3}, "bollinger_reversion": {"period": 4, "memory": 6},
    "volatility_target": {"period": 4, "target_ppm": 2_000}, "aroon_trend": {"period": 4, "level": 0, "confirm": 2},
}  # fmt: skip


def report() -> dict[str, str]:
    """Return a digest per seed of a run, one of the strategies, and one of the arithmetic."""
    limits = {"positions_max": 2, "drawdown_max_ppm": 200_000, "losses_max": 4, "band_ppm": 50_000, "exposure_max": money("900")}
    costs = {"slippage_ppm": 700, "collar_ppm": 20_000, "exit_collar_ppm": 90_000, "participation_ppm": 90_000}
    instruments = [instrument("A/U"), instrument("B/U", lot=10, fee_in_base=True), instrument("C/U", tick=7, price_exp=2, qty_exp=9)]
    answers = {}
    for seed in range(5):
        chosen = plan(*NAMES, limits=limits, costs=costs, stop_loss_ppm=30_000 * (seed % 2), take_profit_ppm=70_000)
        market, wanted = random_market(seed, ROWS, len(NAMES))
        market["volume"][:, 2] *= 100_000
        result = simulate.run(chosen, instruments, market, wanted)
        answers[f"run {seed}"] = f"{result.digest} {len(result.decisions)} {len(result.fills)}"
        for name in strategies.STRATEGIES:
            params = strategies.parse_params(strategies.find(name), PARAMS[name])
            every = (strategies.targets_of(name, params, market[:, 0]), strategies.targets_all(name, params, market[:, 0]))
            answers[f"{name} {seed}"] = " ".join(str(targets.tolist()) for targets in every)
    answers["mix"] = str([int(mix(k * 10**17, 1_700_000_000_000 + k)) for k in range(30)])
    answers["shares"] = str([int(multiply_divide(10**17 - k, 10**18 + k, 4 * 10**18 - k)) for k in range(30)])
    return answers


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report()) + "\n")
