"""The deterministic simulator: a seeded shell around the machine, with faults and a checker."""
