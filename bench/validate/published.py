"""The published table: scores of five known pairs, for whoever has the pictures.

The numbers lie in ``published.yaml``; the pictures are not Relume's to ship.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import degrade
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric
from bench.metrics.registry import describe_metrics, load_metric
from bench.validate.check import CalibrationCheck, check_pair, check_value, skipped
from degrade.config import load_config
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
    content = load_config(PUBLISHED, _Published, error=DatasetError)
    return _checks(load, _read(folder, content), content)


@dataclass(frozen=True, slots=True)
class _Table:
    """Scores of columns, one for each pair, or one of the whole sets."""

    source: str
    tolerance: float
    scores: dict[str, float | tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class _Published:
    """The file: digests of the pictures by kind and name, the order of the pairs, the tables."""

    pictures: dict[str, dict[str, str]]
    order: tuple[str, ...]
    tables: tuple[_Table, ...]
    sets: tuple[_Table, ...]


def _checks(
    load: Callable[[str], PairMetric], pairs: _Pairs, content: _Published
) -> Iterator[CalibrationCheck]:
    available = {entry.name: entry for entry in describe_metrics()}
    for table in (*content.tables, *content.sets):
        for column, scores in table.scores.items():
            entry = available[column]
            if not entry.available:
                yield skipped("published", column, "5 pairs", entry.status, entry.detail)
            elif not isinstance(scores, tuple):
                measured = _of_set(column, pairs)
                yield check_value(
                    "published", column, "5 pairs", measured, scores, table.tolerance, table.source
                )
            else:
                for name, score in zip(content.order, scores, strict=True):
                    yield check_pair(
                        "published", load(column), name, pairs[name], score,
                        table.tolerance, table.source,
                    )  # fmt: skip


def _of_set(column: str, pairs: _Pairs) -> Measurement:
    metric = load_metric(column)
    assert isinstance(metric, SetMetric)
    sides = []
    for side in zip(*pairs.values(), strict=True):
        vectors = [metric.describe(sample) for sample in side]
        for each in vectors:
            if isinstance(each, Measurement):
                return each
        sides.append(np.stack([np.asarray(each) for each in vectors]))
    return metric.compare(*sides)


def _read(folder: Path, content: _Published) -> _Pairs:
    names = next((each for each in _FOLDERS if (folder / each[0]).is_dir()), None)
    if names is None:
        raise DatasetError(
            f"{folder} has no folder dist: give the folder ResultsCalibra of IQA-PyTorch"
        )
    sides = [
        {name: _read_image(folder / side, name, content.pictures[kind]) for name in content.order}
        for side, kind in zip(names, ("dist", "ref"), strict=True)
    ]
    return {name: (sides[0][name], sides[1][name]) for name in content.order}


def _read_image(folder: Path, name: str, digests: Mapping[str, str]) -> Sample:
    path = folder / f"{name}.bmp"
    if not path.is_file():
        raise DatasetError(f"{path} is missing: give the folder ResultsCalibra of IQA-PyTorch")
    if hashlib.sha256(path.read_bytes()).hexdigest()[:16] != digests[name]:
        raise DatasetError(f"{path} is not the picture that the table is of: fetch it again")
    return Sample(degrade.open_source(folder).read(path.name))
