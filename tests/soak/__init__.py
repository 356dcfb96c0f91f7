"""An hour on a bad exchange: streams, reads and orders under a plan that has every kind of fault."""
