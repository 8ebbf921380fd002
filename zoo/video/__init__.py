"""Video in, video out: clips restored frame by frame, steady in time."""
