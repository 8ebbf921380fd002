"""Face restorers behind one call.

>>> import zoo
>>> model = zoo.load("nlmeans")
>>> restored = model.restore([face])  # doctest: +SKIP
>>> photo, faces = zoo.restore_photo(image, model="nlmeans")  # doctest: +SKIP

Importing this package imports nothing else; a restorer's libraries come in with `load`.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
