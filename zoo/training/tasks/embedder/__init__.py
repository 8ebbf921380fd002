"""Training of face descriptors: identities made by augmentation, told apart with ArcFace's loss."""
