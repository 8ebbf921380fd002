"""StyleGAN2 and what belongs to it."""
