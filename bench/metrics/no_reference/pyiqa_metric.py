"""Any metric of pyiqa by name, ``pyiqa:musiq``: a backend that runs where its package is.

pyiqa fetches weights when a metric is made, without a checksum, and unpickles them. So the
network is shut while one is made here, and torch reads nothing but tensors; what is missing is
a status with the command that fetches it.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import ErrorScale, MetricEntry, Peer, Status
from bench.metrics.metric import (
    Measurement,
    PairMetric,
    RegisteredMetric,
    Sample,
    UnavailableMetric,
    refuse_sizes,
    unavailable,
)
from degrade.config import nearest
from degrade.errors import UserError
from zoo.weights.files import WeightsMissing, WeightsRefused

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "pyiqa:"

_NO_PAIRS = ("fid", "inception_score", "clipscore")
"""pyiqa's metrics of folders and of captions, by what their names contain."""

_ERRORS: tuple[tuple[str, ErrorScale], ...] = (
    ("ssim", "one_minus"), ("ms_ssim", "one_minus"), ("lpips", "value"), ("dists", "value"),
)  # fmt: skip
"""Families of pyiqa's metrics that have a perfect value, by the beginning of the name."""


class PyiqaMetric(RegisteredMetric):
    """One of pyiqa's metrics, on one image at a time.

    Some of them draw random crops: each image starts from the same seed, so that no value
    depends on the images before it. Some depend on their batch: here it is always one.
    """

    __slots__ = ("_model",)

    def __init__(self, entry: MetricEntry, model: Any) -> None:
        super().__init__(entry)
        self._model = model

    def measure(self, restored: Sample, hq: Sample) -> Measurement:
        """Judge a uint8 HWC RGB image, beside its HQ where the metric looks at one."""
        if self._model.metric_mode == "NR":
            return Measurement(self._value(_tensor(restored.image)))
        refused = refuse_sizes(restored, hq)
        if refused:
            return refused
        return Measurement(self._value(_tensor(restored.image), _tensor(hq.image)))

    def tensors_sha256(self) -> str:
        """Return the digest of all tensors that were loaded, by name; empty where there are none.

        Statistics that pyiqa reads from a file at each call, as for its niqe, are not among them.
        """
        every: Mapping[str, Tensor] = self._model.state_dict()
        tensors = {name: tensor for name, tensor in every.items() if tensor.numel()}
        total = hashlib.sha256()
        for name, tensor in sorted(tensors.items()):
            total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            total.update(tensor.detach().cpu().contiguous().flatten().numpy().data)
        return total.hexdigest() if tensors else ""

    def _value(self, *images: Tensor) -> float:
        import torch

        state = np.random.get_state()  # noqa: NPY002 - pyiqa's crops are drawn from it
        try:
            with torch.random.fork_rng(), torch.inference_mode():
                torch.manual_seed(0)
                np.random.seed(0)  # noqa: NPY002 - as above
                answer = self._model(*images)
        finally:
            np.random.set_state(state)  # noqa: NPY002 - as above
        return float(answer)


def pyiqa_peer(name: str, tolerance: float | None, why: str = "") -> Peer:
    """Return pyiqa's metric ``name`` as another implementation of one of ours."""
    loader = "bench.validate.peers:pyiqa"
    return Peer(f"pyiqa {name}", loader, ("pyiqa",), tolerance, why, argument=name)


def pyiqa_error(name: str) -> ErrorScale:
    """Return how severity reads ``pyiqa:NAME``; needs no pyiqa."""
    plain = name.removeprefix(PREFIX)
    return next(
        (
            scale
            for family, scale in _ERRORS
            if plain == family or plain.startswith((f"{family}_", f"{family}-"))
        ),
        "",
    )


def pyiqa_entry(name: str) -> MetricEntry:
    """Return the facts of ``pyiqa:NAME``; imports pyiqa where it is installed.

    Raises UserError where pyiqa has no metric of that name, or it judges no image pairs.
    """
    plain = name.removeprefix(PREFIX)
    entry = MetricEntry(
        name,
        "pair",
        "higher",
        "",
        f"{name}|not-installed",
        "IQA-PyTorch (pyiqa), PolyForm Noncommercial 1.0.0",
        packages=("pyiqa",),
        error=pyiqa_error(name),
    )
    if importlib.util.find_spec("pyiqa") is None:
        detail = (
            "pyiqa not installed: run `pip install 'relume[pyiqa]'` (for noncommercial use only)"
        )
        return replace(entry, status=Status.PACKAGE_MISSING, detail=detail)
    configs = _configs()
    if plain not in configs:
        raise UserError(f"pyiqa has no metric {plain!r}.{nearest(plain, configs)}")
    if any(part in plain for part in _NO_PAIRS):
        raise UserError(f"{name} judges no image pairs: for sets of images take fid or kid")
    return replace(
        entry,
        direction="lower" if configs[plain].get("lower_better") else "higher",
        signature=f"{name}|{_version()}|rgb|u8|batch1|seed0",
        needs_reference=configs[plain].get("metric_mode") != "NR",
    )


def load_pyiqa(name: str, *, download: bool = False) -> PairMetric:
    """Return ``pyiqa:NAME``, ready to measure on the CPU, or a stand-in that says what mends it.

    Without ``download`` no connection is made. Raises UserError as `pyiqa_entry`, WeightsRefused
    for weights that hold more than tensors, so that reading them could run code.
    """
    entry = pyiqa_entry(name)
    if not entry.available:
        return _unavailable(entry)
    try:
        with only_tensors(), _open() if download else _shut():
            return PyiqaMetric(entry, _create(name.removeprefix(PREFIX)))
    except pickle.UnpicklingError as error:
        raise WeightsRefused(
            f"{name}: its weights hold more than tensors and could run code when opened: they were "
            "not loaded"
        ) from error
    except ImportError as error:
        detail = f"{name} needs another package: {_line(error)}"
        return _unavailable(replace(entry, status=Status.PACKAGE_MISSING, detail=detail))
    except Exception as error:
        if download or not is_of_network(error):
            raise
        detail = f"run `bench metrics --fetch {name}` with a network"
        return _unavailable(replace(entry, status=Status.WEIGHTS_MISSING, detail=detail))


def fetch_pyiqa(name: str) -> PairMetric:
    """Have pyiqa download what ``pyiqa:NAME`` needs, and return it; UserError where that fails."""
    if not name.startswith(PREFIX):
        raise UserError(f"{name!r} is not pyiqa's: for weights of Relume's own metrics `zoo fetch`")
    try:
        metric = load_pyiqa(name, download=True)
    except Exception as error:
        if isinstance(error, UserError) or not is_of_network(error):
            raise
        raise WeightsMissing(f"{name} could not be fetched: {_line(error)}") from error
    if isinstance(metric, UnavailableMetric):
        raise UserError(metric.entry.detail)
    return metric


def _unavailable(entry: MetricEntry) -> PairMetric:
    metric = unavailable(entry)
    assert isinstance(metric, PairMetric)
    return metric


def _create(name: str) -> Any:
    import pyiqa

    return pyiqa.create_metric(name, device="cpu")


def _open() -> contextlib.AbstractContextManager[object]:
    """Leave the network open; what pyiqa prints goes to standard error, apart from results."""
    return contextlib.redirect_stdout(sys.stderr)


@contextlib.contextmanager
def _shut() -> Iterator[None]:
    """Shut the network, and silence pyiqa: it prints of downloads that are then refused."""
    nowhere = io.StringIO()
    with network_shut(), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield


def _configs() -> Mapping[str, Mapping[str, Any]]:
    from pyiqa.default_model_configs import DEFAULT_CONFIGS

    configs: Mapping[str, Mapping[str, Any]] = DEFAULT_CONFIGS
    return configs


def _version() -> str:
    from importlib.metadata import version

    return version("pyiqa")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _tensor(image: NDArray[np.uint8]) -> Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


_SHUT = {
    **dict.fromkeys(
        ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"),
        "http://127.0.0.1:9",
    ),
    "no_proxy": "",
    "NO_PROXY": "",
}
"""Every client of the hub, of torch and of requests goes through a proxy that refuses at once: no
name is looked up and nothing hangs. Port 9 is the discard service of RFC 863, which nobody runs."""

_ONLY_TENSORS = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
"""Has ``torch.load`` refuse pickles with code whatever its caller asked for."""


@contextlib.contextmanager
def network_shut() -> Iterator[None]:
    """Have every connection refused at once for a while."""
    import urllib.request

    from huggingface_hub import constants

    # Both read the environment once only, and the hub asks five times where it is refused.
    hub, opener = constants.HF_HUB_OFFLINE, urllib.request._opener  # type: ignore[attr-defined]
    constants.HF_HUB_OFFLINE = True
    urllib.request.install_opener(None)
    try:
        with _settings(_SHUT):
            yield
    finally:
        constants.HF_HUB_OFFLINE = hub
        urllib.request.install_opener(opener)


def only_tensors() -> contextlib.AbstractContextManager[None]:
    """Have ``torch.load`` refuse pickles with code, whatever its caller asks for."""
    return _settings(_ONLY_TENSORS)


@contextlib.contextmanager
def _settings(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_of_network(error: BaseException | None) -> bool:
    """Tell whether an error, or one behind it, is a connection that was refused."""
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        # urllib and requests raise OSErrors; httpx, which huggingface_hub uses, has its own.
        if isinstance(error, OSError) or kinds & {"TransportError", "HfHubHTTPError"}:
            return True
        error = error.__cause__ or error.__context__
    return False
