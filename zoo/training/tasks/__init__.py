"""What can be trained: restorer, generator, encoder, embedder, parser."""
