"""The simulator's second tier: the same kinds of plan over real sockets, real PostgreSQL and the unmodified client (docs/sockets.md)."""
