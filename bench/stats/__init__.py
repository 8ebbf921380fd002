"""Scores, paired tests, significance, severity."""
