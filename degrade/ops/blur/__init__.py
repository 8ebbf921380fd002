"""Blur and sharpening."""
