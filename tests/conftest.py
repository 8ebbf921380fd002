"""What every test shares: one cache of compiled kernels, and no restorers of whoever runs them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

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


SHARED = _ROOT.parent / "shared"
"""Data that is not ours to pass on; tests that need a part of it bear ``@pytest.mark.shared``."""


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder beside the project that holds data which cannot be part of it."""
    return SHARED


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part of the shared data, the marker's argument, is missing."""
    for marker in item.iter_markers("shared"):
        if not (SHARED / marker.args[0]).exists():
            pytest.skip(f"needs ../shared/{marker.args[0]}")
