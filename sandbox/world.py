"""Faults of the exchange itself: rules, keys, markets and prices that change for a time, and change back. Pure.

Rules are laid over what they were, so that windows may overlap and an operator may change what lies below meanwhile.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.dialects.base import Dialect, Key
from sandbox.events import CandleSeen
from sandbox.fault_rules import Fault
from sandbox.faulty_market import FaultyMarket, Mark
from sandbox.layers import Layers, Undo
from sandbox.market import HIGH, MINUTE_MS, minute_candles
from sandbox.matching import Exchange
from trader_core.model.errors import OutOfRange
from trader_core.model.money import PPM, money

DRIFT_STEPS = 60
"""In so many steps a clock runs away over its window."""
ZERO = -PPM


class World:
    """Carries out the rules that change the exchange, each at its time."""

    def __init__(self, exchange: Exchange, dialect: Dialect, market: FaultyMarket, happened: Callable[[Fault, bool], None]) -> None:
        """Change one exchange; `happened` counts what came into effect."""
        self._exchange, self._dialect, self._market, self._happened = exchange, dialect, market, happened
        self._rules = Layers(lambda name: getattr(exchange.rules, name), self._write_rules)
        self._balances = Layers(lambda name: exchange.ledger.misshown.get(name, 0), self._write_balances)
        self._halts = Layers(lambda name: name in exchange.halted, self._write_halts)
        self._filters: dict[str, Layers] = {}
        self._undo: dict[int, Undo] = {}
        self._waiting: set[int] = set()
        self._count = 0
        self.retold: list[CandleSeen] = []
        """Revised candles that streams have not told yet."""
        self._begins: dict[str, Callable[[Fault], Undo | None]] = {
            "read_lag": self._read_lag, "clock_skew": self._drift, "clock_step": self._step, "listen_key_loss": self._lose_listen_keys,
            "key_revoked": self._revoke, "symbol_halted": self._halt, "filter_change": self._filter, "min_notional": self._min_notional,
            "fee_change": self._fees, "wrong_balance": self._misshow, "price_spike": self._spike, "zero_price": self._zero,
            "revised_candle": self._revise,
        }  # fmt: skip

    def take(self, fault: Fault) -> None:
        """Begin and end a rule at its times; what began in the past begins now."""
        self._count += 1
        number, now_ms = self._count, self._exchange.now_ms
        self._waiting.add(number)
        if fault.kind in ("price_spike", "zero_price"):
            since_ms = max(fault.since_ms or 0, now_ms + 1)
            self._keep(number, self._begins[fault.kind](replace(fault, since_ms=since_ms)))
        if fault.since_ms is None or fault.since_ms <= now_ms:
            self._begin(number, fault)
        else:
            self._exchange.schedule(fault.since_ms, lambda: self._begin(number, fault))
        if fault.until_ms is not None:
            self._exchange.schedule(fault.until_ms, lambda: self._end(number))

    def clear(self) -> None:
        """Undo what lasts, and forget what has not begun."""
        self._waiting.clear()
        for number in list(self._undo):
            self._end(number)

    def _begin(self, number: int, fault: Fault) -> None:
        if number not in self._waiting:
            return
        self._waiting.remove(number)
        if number not in self._undo:
            self._keep(number, self._begins[fault.kind](fault))
        self._happened(fault, number in self._undo)

    def _keep(self, number: int, undo: Undo | None) -> None:
        if undo is not None:
            self._undo[number] = undo

    def _end(self, number: int) -> None:
        undo = self._undo.pop(number, None)
        if undo is not None:
            undo()

    # rules

    def _write_rules(self, values: dict[str, Any]) -> None:
        with suppress(OutOfRange):  # an operator has changed what these do not go with: what he set stays
            self._exchange.rules = replace(self._exchange.rules, **values)

    def _read_lag(self, fault: Fault) -> Undo:
        return self._rules.lay({"read_lag_ms": fault.param("ms")})

    def _step(self, fault: Fault) -> Undo:
        return self._rules.lay({"skew_ms": fault.param("ms")})

    def _drift(self, fault: Fault) -> Undo:
        """Have the clock run away evenly over its window; without an end, within an hour, and stay there."""
        since_ms = self._exchange.now_ms
        length_ms = (fault.until_ms or since_ms + 60 * MINUTE_MS) - since_ms
        undo = [self._rules.lay({"skew_ms": 0})]
        over = [False]

        def step(number: int) -> None:
            if not over[0]:
                undo[0]()
                undo[0] = self._rules.lay({"skew_ms": fault.param("ms") * number // DRIFT_STEPS})

        for number in range(1, DRIFT_STEPS + 1):
            self._exchange.schedule(since_ms + length_ms * number // DRIFT_STEPS, partial(step, number))

        def end() -> None:
            over[0] = True
            undo[0]()

        return end

    def _min_notional(self, fault: Fault) -> Undo:
        return self._rules.lay({"notional_min": min(money(fault.param("amount")), self._exchange.rules.notional_max)})

    def _fees(self, fault: Fault) -> Undo:
        return self._rules.lay({"maker_ppm": fault.param("maker_ppm"), "taker_ppm": fault.param("taker_ppm")})

    # keys and accounts

    def _lose_listen_keys(self, fault: Fault) -> Undo | None:
        return _nothing if self._dialect.lose_listen_keys(fault.param("account")) else None

    def _revoke(self, fault: Fault) -> Undo | None:
        keys = self._dialect.keys
        revoked: dict[str, Key] = {name: key for name, key in keys.items() if key.account == fault.param("account")}
        for name in revoked:
            del keys[name]
        return partial(keys.update, revoked) if revoked else None

    def _misshow(self, fault: Fault) -> Undo:
        return self._balances.lay({fault.param("currency"): fault.param("ppm")})

    def _write_balances(self, values: dict[str, int]) -> None:
        self._exchange.ledger.misshown.update(values)

    # markets

    def _halt(self, fault: Fault) -> Undo:
        return self._halts.lay({fault.param("symbol"): True})

    def _write_halts(self, values: dict[str, bool]) -> None:
        for name, halted in values.items():
            (self._exchange.halted.add if halted else self._exchange.halted.discard)(name)

    def _filter(self, fault: Fault) -> Undo:
        name, exchange = fault.param("symbol"), self._exchange

        def write(values: dict[str, int | None]) -> None:
            exchange.change_filters(name, **values)

        if name not in self._filters:
            self._filters[name] = Layers(lambda key: exchange.overrides.get(name, {}).get(key), write)
        return self._filters[name].lay({key: value for key, value in fault.params.items() if key != "symbol"})

    def _spike(self, fault: Fault) -> Undo:
        return self._jump(fault, fault.param("ppm"))

    def _zero(self, fault: Fault) -> Undo:
        return self._jump(fault, ZERO)

    def _jump(self, fault: Fault, ppm: int) -> Undo:
        assert fault.since_ms is not None, "a jump begins with the next tick at the earliest"
        return self._lifting(self._market.jump(fault.param("symbol"), ppm, fault.since_ms, fault.until_ms))

    def _revise(self, fault: Fault) -> Undo | None:
        """Have the last closed candles served with other values, and streams tell the last one anew; without an end they stay so."""
        name, now_ms = fault.param("symbol"), self._exchange.now_ms
        minute = now_ms // MINUTE_MS
        if not minute_candles(self._market, name, minute - 1, minute)[0][HIGH]:
            return None
        mark = self._market.revise(name, fault.param("ppm"), minute - fault.param("candles"), minute)
        values = tuple(minute_candles(self._market, name, minute - 1, minute)[0].tolist())
        self.retold.append(CandleSeen(name, minute - 1, 1, values, closed=True, ts_ms=now_ms))
        return _nothing if fault.until_ms is None else self._lifting(mark)

    def _lifting(self, mark: Mark) -> Undo:
        return lambda: self._market.lift(mark, self._exchange.now_ms)


def _nothing() -> None:
    """Leave everything as it is."""
