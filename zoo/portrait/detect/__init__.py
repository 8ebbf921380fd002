"""Find faces, their landmarks and their pose."""
