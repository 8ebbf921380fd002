"""`zoo app`: a page on this machine to drop a photo on."""
