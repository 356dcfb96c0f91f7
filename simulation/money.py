"""The checker's own money: cash, cost, profit, fees and the circuit breaker, from the records alone, in unbounded integers."""

from simulation.amounts import worth
from simulation.market import Market

DAY_MS, HOUR_MS = 86_400_000, 3_600_000


class Money:
    """What one session's records say that it has."""

    def __init__(self, market: Market) -> None:
        """Hold the plan's capital."""
        self.market, self.limits = market, market.plan.limits
        self.coins = market.instruments
        count, capital = len(self.coins), market.plan.capital
        self.cash = self.equity = self.peak = capital
        self.realised = self.fees = 0
        self.positions, self.cost, self.closes = [0] * count, [0] * count, [0] * count
        self.bought, self.sold, self.fees_base = [0] * count, [0] * count, [0] * count
        self._episode = [0] * count
        self.losses_run = self.errors_run = 0
        self.breaker = self.breaker_until = 0
        self.latched = False

    def mark(self, ts: int, rows: list[list[int] | None]) -> None:
        """Take one slot's closes: rows of open, high, low, close, volume. Then the breaker resets or trips."""
        for index, row in enumerate(rows):
            if row is not None:
                self.closes[index] = row[3]
        held = zip(self.coins, self.closes, self.positions, strict=True)
        self.equity = self.cash + sum(worth(coin, close, held, up=False) for coin, close, held in held if held)
        self.peak = max(self.peak, self.equity)
        if self.breaker:
            if self.latched or ts < self.breaker_until:
                return
            self.reset()
        limits, fall = self.limits, self.peak - self.equity
        cause = 14 if 0 < limits.errors_max <= self.errors_run else 0
        cause = 13 if 0 < limits.losses_max <= self.losses_run else cause
        if limits.drawdown_max_ppm and 0 < fall >= -(-max(self.peak, 0) * limits.drawdown_max_ppm // 10**6):
            cause = 11
        if cause:
            self.breaker, self.breaker_until, self.latched = cause, ts + limits.cooldown_ms, limits.latch

    def reset(self) -> None:
        """Close the breaker and measure from here on."""
        self.breaker = self.breaker_until = self.losses_run = self.errors_run = 0
        self.latched, self.peak = False, self.equity

    def fee(self, index: int, price: int, body: dict[str, int], taken: tuple[int, int]) -> None:
        """Book what a fee is in place of what it was taken for, in quote and in base."""
        coin, (fee, fee_base) = self.coins[index], taken
        more = body["fee"] - fee
        self.fees += more + worth(coin, price, body["fee_base"], up=True) - worth(coin, price, fee_base, up=True)
        self.fees_base[index] += body["fee_base"] - fee_base
        self.cash -= more
        self.realised -= more
        self._episode[index] -= more if self.positions[index] >= coin.lot else 0
        self.positions[index] -= body["fee_base"] - fee_base

    def fill(self, index: int, side: int, body: dict[str, int]) -> None:
        """Book one fill: bought at its cost with the fee, sold with its share of the cost, both to the last unit."""
        coin, qty, price, fee, fee_base = self.coins[index], body["qty"], body["price"], body["fee"], body["fee_base"]
        self.errors_run = 0
        self.fees += fee + worth(coin, price, fee_base, up=True)
        self.fees_base[index] += fee_base
        if side > 0:
            cost = worth(coin, price, qty, up=True) + fee
            self.positions[index] += qty - fee_base
            self.bought[index] += qty
            self.cost[index] += cost
            self.cash -= cost
            return
        proceeds, leaving = worth(coin, price, qty, up=False) - fee, qty + fee_base
        basis = self.cost[index] * leaving // self.positions[index] if self.positions[index] else 0
        self.cash += proceeds
        self.realised += proceeds - basis
        self._episode[index] += proceeds - basis
        self.cost[index] -= basis
        self.positions[index] -= leaving
        self.sold[index] += qty
        if self.positions[index] < coin.lot:
            if self._episode[index]:
                self.losses_run = self.losses_run + 1 if self._episode[index] < 0 else 0
            self._episode[index] = 0
