"""Weights: where they are, how they are fetched, verified and loaded."""
