"""Numba kernels: arrays in, arrays out, no I/O, no parameters drawn.

Images inside are planes: float32, shape (channels, height, width), levels 0-255, contiguous.
Kernels release the GIL, use no fastmath and no threads: images are the unit of parallelism.
"""
