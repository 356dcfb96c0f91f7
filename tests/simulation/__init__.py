"""Tests with the simulator, and of it."""
