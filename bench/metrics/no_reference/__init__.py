"""Metrics that need no reference image."""
