"""Score face restorers so that a number can be trusted: ``bench.run("suite.yaml", out=...)``.

Names are imported when they are first used, so that ``import bench`` costs nothing.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
