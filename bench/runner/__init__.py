"""Run a suite: pool, worker, cache; images to rows."""
