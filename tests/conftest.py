"""What every test shares: one cache of compiled kernels, and no restorers of whoever runs them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def _kernel_sources_digest() -> str:
    digest = hashlib.sha256()
    kernels = sorted((_ROOT / "degrade" / "kernels").glob("*.py"))
    for path in (_ROOT / "degrade" / "portable_math.py", *kernels):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Restorers that the person at this account added are none of the tests' business. Tests that add
# some name a folder of their own.
os.environ["RELUME_RESTORERS"] = str(Path(__file__).parent / "no-restorers-are-added-here")

# Numba does not notice that a function called from another file has changed; a folder named
# after the content of all of them does. Processes started by tests inherit it.
os.environ.setdefault(
    "NUMBA_CACHE_DIR",
    str(Path(tempfile.gettempdir()) / f"relume-kernels-{_kernel_sources_digest()}"),
)
