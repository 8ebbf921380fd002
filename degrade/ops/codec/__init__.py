"""Codecs and rounding: JPEG, WebP, JPEG 2000, AVIF."""
