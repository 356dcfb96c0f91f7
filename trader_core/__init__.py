"""The deterministic trading core and the shell that runs it."""
