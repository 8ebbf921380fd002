"""Perceptual distances: LPIPS, DISTS, deep features."""
