"""ImageNet networks as feature extractors."""
