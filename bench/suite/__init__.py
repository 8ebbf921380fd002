"""Suites: YAML to frozen objects, conditions, protocols."""
