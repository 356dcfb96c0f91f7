"""How it runs: the embedded PostgreSQL and the local stack."""
