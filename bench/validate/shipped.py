"""The shipped set: our columns against values that two other implementations gave before.

The values lie in ``shipped.json`` with the names and versions of who computed them;
`bench.validate.make_shipped` makes them again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.metrics.distribution.frechet import frechet_distance
from bench.metrics.distribution.kernel_distance import kernel_distance
from bench.metrics.metric import Measurement, PairMetric, Sample, Status
from bench.validate.cases import CASES, digest, tiles
from bench.validate.check import Check, check_pair, check_value

__all__ = ["SHIPPED", "shipped"]

SHIPPED = Path(__file__).with_name("shipped.json")

_TOLERANCE = 1e-5
"""In dB or of 1. torchmetrics takes the logarithm of PSNR in float32, which costs up to 2.6e-6
dB; pyiqa holds the window of SSIM in float32, up to 6.2e-7. All else agrees to 1e-8."""

_OF_ROUNDED_LUMA = {
    "psnr_y_rounded": 5e-3,
    "ssim_y_rounded_clamped": 5e-5,
    "ms_ssim_y_rounded_clamped": 5e-5,
}
"""Luma of half a level is rounded up or down by the last bit of a sum, which implementations form
in different order: up to 1.4e-3 dB and 1.3e-5 were found."""

_SET_COMPARISONS = {"fid": frechet_distance, "kid": kernel_distance}


def shipped(load: Callable[[str], PairMetric], path: Path | None = None) -> Iterator[Check]:
    """Yield a check for every column, picture and implementation.

    Where a picture is not the one the values are of, its checks fail and say so.

    Parameters
    ----------
    load
        Returns a pair metric by name.
    path
        Of the values, in place of `SHIPPED`.
    """
    for name, known in json.loads((path or SHIPPED).read_text(encoding="utf-8")).items():
        pair = CASES[name].pair()
        changed = _changed(pair, known["sha256"])
        for column, values in known["values"].items():
            for by, expected in values.items():
                if changed:
                    yield _check(column, name, changed, expected, by)
                else:
                    tolerance = _tolerance(column)
                    yield check_pair("shipped", load(column), name, pair, expected, tolerance, by)
        vectors = [tiles(each.image) for each in pair]
        for column, values in known["sets"].items():
            found = changed or _SET_COMPARISONS[column](*vectors)
            for by, expected in values.items():
                yield _check(column, f"{name}, tiles", found, expected, by)


def _check(column: str, case: str, found: Measurement | float, expected: float, by: str) -> Check:
    return check_value("shipped", column, case, found, expected, _tolerance(column), by)


def _tolerance(column: str) -> float:
    return _OF_ROUNDED_LUMA.get(column, _TOLERANCE)


def _changed(pair: tuple[Sample, Sample], known: Mapping[str, Any]) -> Measurement | None:
    for sample, name in zip(pair, ("restored", "hq"), strict=True):
        if digest(sample.image) != known[name]:
            text = f"its {name} picture is not the one that the values are of"
            return Measurement(None, Status.ERROR, text)
    return None
