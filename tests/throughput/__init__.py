"""How many requests the embedded exchange answers, and how long 72 stepped hours take: `make throughput`."""
