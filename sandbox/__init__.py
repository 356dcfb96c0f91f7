"""The embedded exchange: a pure core and the dialects that it speaks."""
