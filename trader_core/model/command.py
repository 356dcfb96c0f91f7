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
