"""Train a restorer."""
