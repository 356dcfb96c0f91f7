"""The exchange client's own shipped tests against the embedded exchange: `make conformance`."""
