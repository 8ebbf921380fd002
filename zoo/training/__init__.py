"""Training restorers: configuration, batches, losses, the loop, exact resume."""
