"""The protocols that the embedded exchange speaks."""
