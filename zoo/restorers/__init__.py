"""One file an entry of the registry, and what they share; imported only when loaded."""
