"""Finding the codes from which a generator makes a given face."""
