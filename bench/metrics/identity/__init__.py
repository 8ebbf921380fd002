"""Metrics of identity and landmarks."""
