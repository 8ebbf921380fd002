"""Carry out a plan on the pixels of an image."""
