"""What earlier runs found, by content: restored images, values of metrics, feature vectors.

A key names everything that decides a result: the pixels, the restorer and its weights or the
metric's signature, and the software. So any run may read what any other wrote; going on with a
run of one's own is the affair of `bench.store.rows`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement, PairMetric, Sample, SetMetric
from bench.runner.cache_store import CacheStore
from bench.store.environment import measuring_software, restoring_software
from bench.store.features import pack_vectors, unpack_vectors
from bench.store.images import ImageKey, array_digest
from bench.store.rows import format_number
from degrade.errors import ImageError
from degrade.images import decode_image
from degrade.planner.plan import Plan
from zoo.registry.registry import other_names, own_names
from zoo.restorer import Card
from zoo.weights.files import cache_folder

_RESTORED, _VALUES, _VECTORS, _REFERENCES = "restored", "values", "vectors", "references"
_LASTING = (Status.OK, Status.NO_FACE, Status.NO_FACE_IN_REFERENCE, Status.LEFT_OUT)
"""A failure may pass, and weights may come: other statuses are found anew."""
PIXELS = "pixels-sha256"
"""The feature of a `Sample` that is the digest of its pixels."""
_COST = struct.Struct("<dq")


def default_cache() -> Path:
    """Return the folder of the cache on this machine, beside the weights'."""
    return cache_folder() / "bench"


@dataclass(frozen=True, slots=True)
class CachedImage:
    """A restored image of an earlier run (uint8 HWC RGB), its file, and its cost where known."""

    image: NDArray[np.uint8]
    png: bytes
    seconds: float
    memory: int | None


class Cache:
    """Results of earlier runs; without a folder it holds nothing and keeps nothing.

    Any number of runs and processes may share it. A damaged entry is noticed by its digest,
    removed and computed again.
    """

    def __init__(self, folder: Path | None) -> None:
        self._store = None if folder is None else CacheStore(folder)
        # Once: both read every source, and neither changes while a run works.
        self._restoring = "" if folder is None else restoring_software()
        self._measuring = "" if folder is None else measuring_software()
        self._theirs = frozenset() if folder is None else _names_of_others()

    def key_of(
        self,
        card: Card,
        face: NDArray[np.uint8],
        mask: NDArray[np.float32] | None,
        plan: Plan,
        computed: str = "",
    ) -> str:
        """Return the key of a restoration; empty for one that is not to be kept.

        What somebody else made may change unseen: programs, packages, and networks that were added,
        whose options stand on no card; so may a network without a digest of its weights. The plan
        counts for oracles only. ``computed`` is what of the placement decides the bytes, see
        `bench.runner.restorer_runner.RestorerRunner`; empty for the processor, an image at a time.
        """
        known = card.kind in ("reference", "classical", "oracle") or (
            card.kind == "network" and card.sha256
        )
        if self._store is None or not known or card.name in self._theirs:
            return ""
        return _key(
            self._restoring,
            card.name,
            card.sha256,
            array_digest(face),
            "" if mask is None else array_digest(mask),
            "" if card.blind else plan.to_json(),
            *([computed] if computed else ()),
        )

    def restored(self, key: str) -> CachedImage | None:
        """Return the restored image of a key of `key_of`, or None."""
        content = self._store.read(_RESTORED, key) if self._store and key else None
        if content is None:
            return None
        seconds, memory = _COST.unpack_from(content)
        png = content[_COST.size :]
        try:
            image = decode_image(png, "an entry of the cache")
        except ImageError:  # of a version that wrote something else
            return None
        return CachedImage(image, png, seconds, None if memory < 0 else memory)

    def keep_restored(self, key: str, png: bytes, seconds: float, memory: int | None) -> None:
        """Keep a restored image and what it cost, see `CachedImage`."""
        if self._store and key:
            cost = _COST.pack(seconds, -1 if memory is None else memory)
            self._store.keep(_RESTORED, key, cost + png)

    def values(self, restored: Sample, hq: Sample) -> dict[str, Measurement]:
        """Return what is known of an image and its truth: signature to measurement."""
        if self._store is None:
            return {}
        stored = self._record(_VALUES, self._key_of_pair(restored, hq))
        return {signature: _measurement(each) for signature, each in stored.items()}

    def keep_values(
        self, restored: Sample, hq: Sample, values: Sequence[tuple[PairMetric, Measurement]]
    ) -> None:
        """Keep what was measured, beside what is known; what may pass is left out."""
        lasting = {
            metric.signature: _entry(measured)
            for metric, measured in values
            if measured.status in _LASTING and _may_be_kept(metric)
        }
        if self._store and lasting:
            self._merge(_VALUES, self._key_of_pair(restored, hq), lasting)

    def vector(self, metric: SetMetric, sample: Sample) -> NDArray[np.float32] | None:
        """Return the feature vector of an image, or None."""
        if self._store is None or not _may_be_kept(metric):
            return None
        stored = self._record(_VECTORS, self._key_of_image(sample)).get(metric.feature)
        return None if stored is None else np.frombuffer(base64.b64decode(stored), "<f4").copy()

    def keep_vector(self, metric: SetMetric, sample: Sample, vector: NDArray[Any]) -> None:
        """Keep the feature vector of an image, in float32 as runs keep it."""
        if self._store and _may_be_kept(metric):
            text = base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
            self._merge(_VECTORS, self._key_of_image(sample), {metric.feature: text})

    def reference(self, feature: str, sha256: str) -> dict[ImageKey, NDArray[np.float32]] | None:
        """Return the vectors of one feature of the reference set with a digest, or None."""
        if self._store is None:
            return None
        packed = self._store.read(_REFERENCES, _key(self._measuring, feature, sha256))
        return None if packed is None else unpack_vectors(packed)

    def keep_reference(
        self, feature: str, sha256: str, vectors: Mapping[ImageKey, NDArray[np.float32]]
    ) -> None:
        """Keep the vectors of a reference set, see `reference`."""
        if self._store:
            key = _key(self._measuring, feature, sha256)
            self._store.keep(_REFERENCES, key, pack_vectors(vectors))

    def tidy(self) -> None:
        """Let go of what is too much; nothing that was used since this was opened."""
        if self._store:
            self._store.tidy()

    def _key_of_pair(self, restored: Sample, hq: Sample) -> str:
        return _key(self._measuring, _pixels(restored), _pixels(hq))

    def _key_of_image(self, sample: Sample) -> str:
        return _key(self._measuring, _pixels(sample))

    def _record(self, kind: str, key: str) -> dict[str, Any]:
        assert self._store is not None
        content = self._store.read(kind, key)
        return {} if content is None else dict(json.loads(content))

    def _merge(self, kind: str, key: str, new: Mapping[str, Any]) -> None:
        assert self._store is not None
        merged = {**self._record(kind, key), **new}
        self._store.keep(kind, key, json.dumps(merged, sort_keys=True, allow_nan=False).encode())


def _names_of_others() -> frozenset[str]:
    """Return the names of restorers that were added or come from other packages."""
    return frozenset(other_names()) - frozenset(own_names())


def _may_be_kept(metric: PairMetric | SetMetric) -> bool:
    """Say whether a signature decides the value: not where a person brings the weights."""
    return not getattr(getattr(metric, "entry", None), "file", "")


def _pixels(sample: Sample) -> str:
    return sample.feature(PIXELS, array_digest)


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _entry(measured: Measurement) -> list[str]:
    return [format_number(measured.value), measured.status.value, measured.detail]


def _measurement(entry: list[str]) -> Measurement:
    value, status, detail = entry
    return Measurement(float(value) if value else None, Status(status), detail)
