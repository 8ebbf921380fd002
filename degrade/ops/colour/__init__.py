"""Colour and light: shift, jitter, grey, haze."""
