"""Resizing, pixelation, and what moves the image: flip, shift, crop."""
