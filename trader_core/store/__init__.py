"""Tables and plain functions over a connection, one file per noun."""
