"""Fault plans drawn from a seed: some kinds or all of them, in random windows, at random places, with random parameters. Pure.

Leaving kinds out at random finds more than having all of them always: some faults hide others (Groce et al., Swarm Testing, 2012).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sandbox.chance import chance, pick
from sandbox.events import Stream
from sandbox.fault_kinds import KINDS, Area, Kind
from sandbox.fault_rules import CONNECTION, STREAM, WORLD
from trader_core.model.errors import OutOfRange

SHARE = 0.5
"""Of the kinds, how many a swarm has where nothing else is said."""
MINUTES = 60
MINUTES_MOST = 43_200
PER_WINDOW = 600
"""A kind gets a window, and another one for each so many minutes."""
ANY = "* /*"


class Ground(NamedTuple):
    """What an exchange has for a swarm to hit."""

    sites: tuple[str, ...]
    """Its requests, such as `POST /api/v3/order`."""
    markets: tuple[str, ...]
    """Its markets, such as BTCUSDT."""
    currencies: tuple[str, ...]
    streams: bool
    """Whether it has streams."""


class _Dice:
    """Draws, one after the other, that belong to a seed and a kind."""

    def __init__(self, seed: int, kind: str) -> None:
        self._seed, self._kind, self._count = seed, kind, 0

    def whole(self, low: int, high: int) -> int:
        self._count += 1
        return pick(low, high, self._seed, self._kind, self._count)

    def share(self, low: float, high: float) -> float:
        self._count += 1
        return round(low + chance(self._seed, self._kind, self._count) * (high - low), 3)

    def one(self, of: tuple[Any, ...]) -> Any:
        return of[self.whole(0, len(of) - 1)]


Draw = Callable[[_Dice, Ground], dict[str, Any]]


def _symbol(dice: _Dice, ground: Ground) -> dict[str, Any]:
    return {"symbol": dice.one(ground.markets)}


def _filters(dice: _Dice, ground: Ground) -> dict[str, Any]:
    return {**_symbol(dice, ground), dice.one(("tick", "lot", "qty_min")): dice.whole(2, 20)}


def _fees(dice: _Dice, _ground: Ground) -> dict[str, Any]:
    maker = dice.whole(0, 2_000)
    return {"maker_ppm": maker, "taker_ppm": maker + dice.whole(0, 2_000)}


def _balance(dice: _Dice, ground: Ground) -> dict[str, Any]:
    return {"currency": dice.one(ground.currencies), "ppm": dice.one((-1_000_000, -100_000, 100_000))}


PARAMS: Mapping[str, Draw] = {
    "429": lambda dice, _: {"retry_after": dice.whole(0, 2)},
    "418": lambda dice, _: {"retry_after": dice.whole(1, 3)},
    "timeout": lambda dice, _: {"seconds": dice.share(0.2, 2)},
    "reset": lambda dice, _: {"seconds": dice.share(0, 0.2)},
    "truncated_body": lambda dice, _: {"seconds": dice.share(0, 0.2)},
    "slow": lambda dice, _: {"seconds": dice.share(0.05, 1)},
    "late_execution": lambda dice, _: {"ms": dice.whole(100, 5_000), "seconds": dice.share(0, 0.2)},
    "read_lag": lambda dice, _: {"ms": dice.whole(500, 5_000)},
    "clock_skew": lambda dice, _: {"ms": dice.whole(-5_000, 5_000)},
    "clock_step": lambda dice, _: {"ms": dice.whole(-5_000, 5_000)},
    "symbol_halted": _symbol,
    "filter_change": _filters,
    "min_notional": lambda dice, _: {"amount": str(dice.whole(2, 20))},
    "fee_change": _fees,
    "wrong_balance": _balance,
    "price_spike": lambda dice, ground: {**_symbol(dice, ground), "ppm": dice.one((-500_000, -100_000, 100_000, 500_000))},
    "zero_price": _symbol,
    "revised_candle": lambda dice, ground: {**_symbol(dice, ground), "candles": dice.whole(1, 2), "ppm": dice.whole(1_000, 20_000)},
    "duplicate": lambda dice, _: {"ms": dice.whole(0, 5_000), "times": dice.whole(1, 3)},
    "late": lambda dice, _: {"ms": dice.whole(500, 20_000)},
    "sequence_gap": lambda dice, _: {"events": dice.whole(1, 5)},
    "silent_stall": lambda dice, _: {"ms": dice.whole(30_000, 600_000)},
    "disconnect": lambda dice, _: {"code": dice.one((1_001, 1_006, 1_012))},
}
"""Parameters of those kinds whose usual ones a swarm varies; venue times are such that a session can live through them."""
LONGEST = {"zero_price": 3, "key_revoked": 10, "symbol_halted": 30, "price_spike": 20, "maintenance": 10}
"""Minutes that a window of these kinds lasts at most; any other one, an hour, and none more than an eighth of the time that it lies in."""
FEW = {"silent_stall": 3, "418": 3}
"""How often a rule of these kinds fires, one hit after the other: each one costs a client minutes."""
FOR_GOOD = {"revised_candle"}
"""Kinds that happen once and stay."""


def swarm(seed: int, ground: Ground, minutes: int = MINUTES, share: float = SHARE) -> dict[str, Any]:
    """Return a plan as plain data: each kind that the exchange can have with a chance of `share`, in windows within `minutes` of the start.

    A share of 1 has every kind. Raises OutOfRange for a negative seed, no minutes, or a share that is none.
    """
    if seed < 0 or not 1 <= minutes <= MINUTES_MOST or not 0 < share <= 1:
        expected = f"a seed of at least 0, 1 to {MINUTES_MOST} minutes, and a share above 0 and up to 1"
        raise OutOfRange(expected, f"{seed}, {minutes} and {share}", "correct them")
    names = [name for name, kind in KINDS.items() if ground.streams or kind.areas != (Area.STREAM,)]
    names = [name for name in names if name != "listen_key_loss" or ground.streams]
    chosen = [name for name in names if chance(seed, name) < share]
    return {"seed": seed, "rules": [rule for name in chosen for rule in _rules(name, _Dice(seed, name), ground, minutes)]}


def _rules(name: str, dice: _Dice, ground: Ground, minutes: int) -> list[dict[str, Any]]:
    """Return one rule for each window of a kind, the windows spread evenly."""
    windows = 1 + minutes // PER_WINDOW
    spans = [(minutes * at // windows, minutes * (at + 1) // windows) for at in range(windows)]
    return [_rule(name, dice, ground, low, max(high, low + 1), first=at == 0) for at, (low, high) in enumerate(spans)]


def _rule(name: str, dice: _Dice, ground: Ground, low: int, high: int, *, first: bool) -> dict[str, Any]:
    kind = KINDS[name]
    since_s = dice.whole(low * 60, (low * 3 + high) * 15)  # within the first quarter of its span
    longest_s = min(LONGEST.get(name, 60) * 60, (high - low) * 60 // 8)
    rule: dict[str, Any] = {"kind": name, "from": f"+{since_s}s"}
    if name not in FOR_GOOD:
        rule["until"] = f"+{since_s + dice.whole(max(longest_s // 3, 30), max(longest_s, 30))}s"
    if name in PARAMS:
        rule["params"] = PARAMS[name](dice, ground)
    area = kind.areas[-1] if ground.streams and dice.whole(0, 1) else kind.areas[0]
    if area is Area.WORLD:
        return {**rule, "site": WORLD}
    hits = {"nth": dice.whole(1, 10), "count": FEW[name]} if name in FEW else {"only": {"chance": dice.share(0.02, 0.2)}}
    if area is Area.REQUEST:
        rule |= {"site": ANY if first or dice.whole(0, 1) else dice.one(ground.sites), "when": dice.one(("before", "after"))}
        return rule | hits
    rule["site"] = _stream(kind, dice)
    return rule if kind.once else rule | hits


def _stream(kind: Kind, dice: _Dice) -> str:
    """Return where on the streams a kind happens."""
    if kind.connection and dice.whole(0, 2) == 0:
        return CONNECTION
    everywhere = kind.streams == tuple(Stream)
    return STREAM + (
        "*" if everywhere and dice.whole(0, 1) else dice.one(kind.streams if not everywhere else (Stream.TRADES, Stream.KLINES))
    )
