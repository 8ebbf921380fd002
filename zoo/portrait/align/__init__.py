"""From landmarks to aligned crops and back."""
