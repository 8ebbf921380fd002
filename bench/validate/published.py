"""The published table: scores of five known pairs, for whoever has the pictures.

The numbers lie in ``published.yaml``; the pictures are not Relume's to ship.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import degrade
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric
from bench.metrics.registry import describe_metrics, load_metric
from bench.validate.check import CalibrationCheck, check_pair, check_value, skipped
from degrade.config import load_yaml
from degrade.errors import DatasetError

PUBLISHED = Path(__file__).with_name("published.yaml")

_FOLDERS = (("dist", "ref"), ("dist_dir", "ref_dir"))
"""Ours, and those of IQA-PyTorch's repository."""

_Pairs = Mapping[str, tuple[Sample, Sample]]


def published(load: Callable[[str], PairMetric], folder: Path) -> Iterator[CalibrationCheck]:
    """Return a check for every score of the table; where a column cannot run, a skipped one.

    The pictures are read at once, the checks made one by one. The folder holds ``dist/I03.bmp`` …
    and ``ref/I03.bmp`` …, or ``dist_dir`` and ``ref_dir``. DatasetError where a picture is missing,
    cannot be read, or is not the one the table is of.
    """
    data: dict[str, Any]
    data, _ = load_yaml(PUBLISHED, error=DatasetError)
    return _checks(load, _read(folder, data), data)


def _checks(
    load: Callable[[str], PairMetric], pairs: _Pairs, data: Mapping[str, Any]
) -> Iterator[CalibrationCheck]:
    available = {entry.name: entry for entry in describe_metrics()}
    for table in (*data["tables"], *data["sets"]):
        for column, scores in table["scores"].items():
            entry = available[column]
            if not entry.available:
                yield skipped("published", column, "5 pairs", entry.status, entry.detail)
            elif entry.kind == "set":
                yield _of_set(
                    column,
                    pairs,
                    _Expected(scores, table["tolerance"], table["source"]),
                )
            else:
                for name, score in zip(data["order"], scores, strict=True):
                    yield check_pair(
                        "published", load(column), name, pairs[name], score,
                        table["tolerance"], table["source"],
                    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Expected:
    score: float
    tolerance: float
    source: str


def _of_set(column: str, pairs: _Pairs, table: _Expected) -> CalibrationCheck:
    metric = load_metric(column)
    assert isinstance(metric, SetMetric)
    measured: Measurement | None = None
    sides = []
    for side in zip(*pairs.values(), strict=True):
        vectors = [metric.describe(sample) for sample in side]
        measured = next((each for each in vectors if isinstance(each, Measurement)), measured)
        sides.append(vectors)
    measured = measured or metric.compare(
        *(np.stack([np.asarray(v) for v in side]) for side in sides)
    )
    return check_value(
        "published",
        column,
        "5 pairs",
        measured,
        table.score,
        table.tolerance,
        table.source,
    )


def _read(folder: Path, data: Mapping[str, Any]) -> _Pairs:
    names = next((each for each in _FOLDERS if (folder / each[0]).is_dir()), None)
    if names is None:
        raise DatasetError(
            f"{folder} has no folder dist: give the folder ResultsCalibra of IQA-PyTorch"
        )
    sides = [
        {name: _read_image(folder / side, name, data["pictures"][kind]) for name in data["order"]}
        for side, kind in zip(names, ("dist", "ref"), strict=True)
    ]
    return {name: (sides[0][name], sides[1][name]) for name in data["order"]}


def _read_image(folder: Path, name: str, digests: Mapping[str, str]) -> Sample:
    path = folder / f"{name}.bmp"
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder ResultsCalibra of IQA-PyTorch")
    if hashlib.sha256(path.read_bytes()).hexdigest()[:16] != digests[name]:
        raise DatasetError(f"{path} is not the picture that the table is of: fetch it again")
    return Sample(degrade.open_source(folder).read(path.name))
