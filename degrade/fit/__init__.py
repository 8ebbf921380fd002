"""Measure real photographs, and fit a recipe whose images measure alike."""
