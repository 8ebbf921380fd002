"""Recipes: YAML to frozen objects; which operations, with which distributions."""
