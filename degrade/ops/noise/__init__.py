"""Noise: Gaussian, shot, impulse, speckle, sensor."""
