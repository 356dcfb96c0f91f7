"""Metrics, statistics and verdicts. Pure."""
