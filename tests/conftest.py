"""What every test shares: one cache of compiled kernels, and no restorers of whoever runs them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def _kernel_sources_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted((_ROOT / "degrade").rglob("*.py")):
        content = path.read_bytes()
        if b"@kernel" in content or b"@inline" in content:
            digest.update(content)
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
