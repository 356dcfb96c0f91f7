"""Retryable steps: one effect each, idempotent, ids in, ids out."""
