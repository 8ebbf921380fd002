"""Stored datasets: sources, shards, writers, manifest, verification, replay."""
