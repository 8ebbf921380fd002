"""Numba kernels: arrays in, arrays out, no I/O, no parameters drawn.

What arguments of these names are, unless a kernel says otherwise:

- ``planes``: an image inside, float32 (channels, height, width), levels 0-255, contiguous.
- ``result``: float32 of the same shape, written into and returned; it must not overlap the input.
  None takes fresh memory where that is allowed.
- ``stream``: uint32 (5), the Philox key and counter words 1-3 (`philox.fill_words`); value i of a
  noise field belongs to flat position i of the planes, or of one plane where channels share it.
- ``scratch``: flat float32 memory to work in, of `degrade.ops.blur.correlate.scratch_size`.

Kernels release the GIL, use no fastmath and no threads: images are the unit of parallelism.
"""
