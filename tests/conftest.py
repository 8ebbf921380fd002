"""What every test shares: one cache of compiled kernels, and no restorers of whoever runs them."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
from collections.abc import Callable
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

# A shell ignores Ctrl-C for what it runs in the background, and what tests start would take
# that over.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return what gives a part of the shared data, such as ``faces/congress``, or skips.

    It lies beside the project and is not ours to pass on.
    """

    def part(name: str) -> Path:
        path = _ROOT.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"needs ../shared/{name}")
        return path

    return part


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses the shared data, itself or through a fixture."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")
