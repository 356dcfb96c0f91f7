"""How fast the journal is, and whether it notices what is done to it: `make journal`."""
