"""From (recipe, seed, image id, variant) to a plan; every parameter is drawn here."""
