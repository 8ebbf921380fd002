"""Metrics: one file each, found by name through `bench.metrics.registry`."""
