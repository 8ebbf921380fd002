"""Generators of faces: training them, and drawing faces from them."""
