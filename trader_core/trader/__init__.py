"""The trader: a pure machine and the shells that run it."""
