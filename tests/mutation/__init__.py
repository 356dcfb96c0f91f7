"""Mutants of the money code: what the tests of the engine do not notice."""
