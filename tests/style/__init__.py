"""Tests of the style."""
