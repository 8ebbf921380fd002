"""Pairs for training: computed when asked for, and batches that mix families of degradation."""
