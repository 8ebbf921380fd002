"""What a run keeps: rows, features, plans, its record."""
