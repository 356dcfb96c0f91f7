"""Tests of flows and of the tasks underneath."""
