"""One thread an image: keep libraries in a worker from starting threads of their own.

The work is divided between images, so a library that also divides each image only makes the
workers wait for each other. Dask pins OMP, MKL and OPENBLAS in the workers it starts, but
neither Numba nor OpenCV (dask/distributed#9075).
"""

from __future__ import annotations

import os
import sys

__all__ = ["pin_threads"]

_READ_AT_IMPORT = {
    "OMP_NUM_THREADS": "numpy",
    "OPENBLAS_NUM_THREADS": "numpy",
    "MKL_NUM_THREADS": "numpy",
    "NUMBA_NUM_THREADS": "numba",
    "OPENCV_FOR_THREADS_NUM": "cv2",
}
"""Environment variable to the module whose first import settles it.

A change of NUMBA_NUM_THREADS after Numba's threads have started makes every later compilation
fail (numba.core.config.reload_config), so a module that is loaded is left to its own setter.
"""


def pin_threads() -> None:
    """Give the libraries of this process one thread each; costs microseconds when repeated."""
    for name, module in _READ_AT_IMPORT.items():
        if module not in sys.modules:
            os.environ[name] = "1"
    cv2 = sys.modules.get("cv2")
    if cv2 is not None:
        cv2.setNumThreads(0)  # 0 is "in the calling thread", as OpenCV documents it
