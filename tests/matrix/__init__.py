"""Every fault of a request on every private call of the gateway, and what came of it: `make matrix`."""
