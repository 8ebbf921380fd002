"""Restorers from weights whose architecture spandrel knows."""
