"""Discriminators and the adversarial loss."""
