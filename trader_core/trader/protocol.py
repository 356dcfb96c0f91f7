"""The protocol of a session: the bounds of its venue, frozen in the first record. Pure."""

from dataclasses import dataclass, field

from trader_core.venues.port import TRADES_MADE_HERE


@dataclass(frozen=True, slots=True)
class Protocol:
    """The bounds of one venue: how long a request is valid, how late an order may become visible, how far clocks differ."""

    window_ms: int = 5_000
    visibility_ms: int = 10_000
    skew_ms: int = 1_000
    give_up_ms: int = 600_000
    trades_kept_ms: int = TRADES_MADE_HERE
    """How far back the venue's list of the account's trades reaches; 0: to the first one."""
    stops: str = "BOT_SIDE"
    """RESTING: protective stops are orders at the venue."""
    look_backoff_ms: tuple[int, ...] = field(default=(250, 500, 1_000, 2_000, 4_000, 8_000))
    errors_window_ms: int = 60_000
    errors_calls_min: int = 10
    errors_share_ppm: int = 500_000
    """Where more than this share of at least so many calls about orders failed or proved nothing, no new risk is taken."""
    errors_quiet_ms: int = 120_000
    """How long that must not have been so before new risk is taken again."""
    errors_trips_max: int = 3
    errors_latch_ms: int = 3_600_000
    """So many times within so long, and only an operator lets new risk in again."""
    asks_per_minute: int = 0
    """How many questions about orders, balances and bars a session asks of its venue on average; 0: as many as it has."""
    asks_burst: int = 0
    """So many at once after a quiet time."""
    asks_reserve: int = 0
    """So many of them are left to cancels, which are never held back, and to the lists that prove an end."""
    client_ids: str = "open_unique"
    lookup: bool = True
    validity_window: bool = True
    """Without these two nothing proves that an order was never placed."""
    dead_man_switch: bool = False
    """The venue has one; it is not used, since every entry is immediate and stops must stay."""
