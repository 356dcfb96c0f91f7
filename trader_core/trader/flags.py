"""Why a session may do less, and how much less. Pure."""

from trader_core.model.session import Mode

FLAG_MODES = {
    "kill": Mode.KILLED,
    "start": Mode.HALTED,
    "difference": Mode.HALTED,
    "database": Mode.HALTED,
    "fault": Mode.HALTED,
    "overfill": Mode.HALTED,
    "closing": Mode.REDUCING,
    "pause": Mode.REDUCING,
    "stopping": Mode.REDUCING,
    "stale": Mode.REDUCING,
    "dead_letter": Mode.REDUCING,
    "restricted": Mode.REDUCING,
    "reduce": Mode.REDUCING,
    "permit": Mode.REDUCING,
}
"""Each reason to trade less, and the mode that it forces; the worst one holds."""
