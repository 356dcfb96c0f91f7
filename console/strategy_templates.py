"""What `gatehouse strategy new` writes: a strategy that works, ready to be changed."""

WINDOW = '''"""NAME: in the market while the newest close stands above the mean of the closes before it.

A window strategy: `decide` sees the last `lookback` closed bars of one instrument and nothing else, so it cannot look ahead.
"""

from trader_core.engine.strategies.own import window_strategy
from trader_core.engine.strategies.spec import StrategyParams, param


class Parameters(StrategyParams):
    """Whole numbers: param(default, lowest, highest, what it means, (low, high, step) of a search)."""

    bars: int = param(50, 2, 500, "bars in the mean", (10, 100, 10))
    above_ppm: int = param(0, 0, 100_000, "how far above it the close must stand, in parts per million", (0, 5_000, 1_000))


def decide(values, window):
    """Return the target: how much of its slot the instrument shall hold, from 0 to 10000 hundredths of a percent.

    `values` holds the parameters in their order. Bars have open, high, low, close, volume and ts; window[-1] is the newest.
    Prices are whole numbers in the instrument's smallest unit. Plain loops and arithmetic are compiled; nothing may be kept
    from one call to the next.
    """
    bars, above_ppm = values[0], values[1]
    total = 0
    for at in range(window.shape[0] - 1 - bars, window.shape[0] - 1):
        total += window[at].close
    mean = total / bars
    return 10_000 if window[-1].close > mean * (1 + above_ppm / 1_000_000) else 0


STRATEGY = window_strategy(Parameters, lambda params: params["bars"] + 1, decide)
'''

FRAME = '''"""NAME: in the market while the close stands above the highest close of the bars before it.

A frame strategy: `targets` gets a frame of closed bars and answers for every row. It could look ahead, so
`gatehouse strategy check NAME` and the backtest's gate show first that it does not. A trader calls it on the last
`lookback` bars and takes the last answer: let no row depend on more bars than that.
"""

from trader_core.engine.strategies.own import frame_strategy
from trader_core.engine.strategies.spec import StrategyParams, param


class Parameters(StrategyParams):
    """Whole numbers: param(default, lowest, highest, what it means, (low, high, step) of a search)."""

    bars: int = param(30, 2, 500, "bars whose highest close must be beaten", (10, 100, 10))


def targets(params, frame):
    """Return a target for each row, from 0 to 10000 hundredths of a percent of the instrument's slot.

    Columns: open, high, low, close, volume as floats, prices in the instrument's smallest unit. `import talib` works here.
    """
    highest = frame["close"].shift(1).rolling(params["bars"]).max()
    return (frame["close"] > highest).astype(int) * 10_000


STRATEGY = frame_strategy(Parameters, lambda params: params["bars"] + 1, targets)
'''

KINDS = {"window": WINDOW, "frame": FRAME}
