"""The compiled engine: on_bar, on_fill, on_release, simulate and the strategies. Pure."""
