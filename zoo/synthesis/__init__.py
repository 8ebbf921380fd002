"""Synthetic faces: generators by name, drawing, nearest training faces."""
