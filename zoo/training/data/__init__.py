"""Training sets: aligned faces, packs, splits, batches, mask errors."""
