"""Sessions, modes, causes and refusals: the words that the engine, the machine and the store share."""

from enum import IntEnum, StrEnum

LOCAL_ACCOUNTS = ("paper", "sandbox")
"""The accounts whose traders start by themselves: no money hangs on them."""
ACCOUNTS = (*LOCAL_ACCOUNTS, "mexc", "binance", "kraken")
"""The accounts that there are: one trader each; a real venue's is started by a person."""
SENTINEL = "KILL"
"""A file of this name in GATEHOUSE_HOME kills, with the database down and the console dead."""
PAUSE_SENTINEL = "PAUSE"
"""A file of this name in GATEHOUSE_HOME pauses."""


class Mode(IntEnum):
    """What a session may do. It starts HALTED; the integer is what the engine's record holds."""

    ACTIVE = 0
    REDUCING = 1
    """No new exposure; exits and cancels go on."""
    HALTED = 2
    """No orders but exits of positions that the journal explains, cancels, and close-all."""
    KILLED = 3
    """Nothing is sent but cancels, and close-all by a later command."""


class Cause(IntEnum):
    """Why a signal exists."""

    TARGET = 1
    PROTECT = 2
    OPERATOR = 3


class Side(IntEnum):
    """The direction of an order; the integer is the sign of its quantity."""

    SELL = -1
    BUY = 1


class Refusal(IntEnum):
    """Which layer of the guard said no. 0 is no refusal; the tens digit is the layer where one number has several reasons."""

    NONE = 0
    KILLED = 1
    HALTED = 2
    REDUCING = 3
    BREAKER_DRAWDOWN = 11
    BREAKER_DAILY_LOSS = 12
    BREAKER_LOSSES = 13
    BREAKER_ERRORS = 14
    BREAKER_LOSS_BUDGET = 15
    POSITIONS = 21
    INSTRUMENT_QTY = 31
    INSTRUMENT_COUNT = 32
    INSTRUMENT_BLOCKED = 33
    EXPOSURE = 41
    SIZE_MIN = 51
    SIZE_MAX = 52
    CASH = 53
    UNSELLABLE = 54
    COLLAR = 61
    RATE = 71
    BAND = 81
    LATCHED = 82
    IN_FLIGHT = 83
    PERMIT = 91


class SessionMode(StrEnum):
    """Which venue a session's orders go to. Nothing inside the core asks for it; it selects the venue at the door."""

    BACKTEST = "backtest"
    PAPER = "paper"
    DRY_RUN = "dry_run"
    """Everything but the final send: fills are simulated, and the venue's order test checks each order."""
    STAGE = "stage"


class SessionStatus(StrEnum):
    """Where a session is in its life, as stored."""

    REQUESTED = "requested"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    HALTED = "halted"
    FAILED = "failed"


class StopPolicy(StrEnum):
    """What becomes of orders and positions when a session stops."""

    KEEP = "keep"
    FLATTEN = "flatten"
