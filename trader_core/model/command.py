"""What an operator may say."""

from enum import StrEnum


class Command(StrEnum):
    """One word of an operator, recorded before it has an effect."""

    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL_ALL = "cancel_all"
    CLOSE_ALL = "close_all"
    STOP = "stop"
    REDUCE = "reduce"
    """Nothing new in, exits go on, for one session; until a resume."""
    RESTART = "restart"
    """The trader's process ends and is started again: every session recovers from its journal."""
    REPLAY = "replay"
    """Try once more to apply a dead letter."""
    DISMISS = "dismiss"
    """Close a dead letter without applying it: a person has explained it."""
    RESOLVE = "resolve"
    """What a person saw at the venue: of an order that was given up, or of trades that are not listed any more."""
