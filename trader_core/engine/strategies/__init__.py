"""Window strategies: one file each, compiled, blind to everything but the last bars."""
