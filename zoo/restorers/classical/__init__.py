"""Restorers that need no training: a module each, with its ``card`` and ``load()``.

`zoo.registry.registry` finds them here by their file names. Listing cards imports the modules, so
they import OpenCV and SciPy only where they compute.
"""
