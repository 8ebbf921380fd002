"""Measure real photographs, and fit a recipe whose pictures measure alike."""
