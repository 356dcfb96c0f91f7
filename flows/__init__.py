"""The order of work: schedules, branches, parameters."""
