"""Photos on disk: reading, writing, metadata, records."""
