"""Parsing masks of aligned faces, and the parsers that make them."""
