"""Restorers that need no training."""
