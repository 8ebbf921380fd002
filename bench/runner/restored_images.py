"""The restored images of a batch: of an earlier session, of the cache, or restored now.

Keeps every image and its time the moment there is one. Nothing here measures quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.metrics.entry import Status
from bench.metrics.metric import Measurement
from bench.runner.cache import Cache
from bench.runner.efficiency import TIMED_BEFORE
from bench.runner.restorer_runner import RestoredImage, RestorerInput, RestorerRunner
from bench.runner.results import ResultsLog
from bench.store.images import HQ, ImageKey, RestoredFiles
from bench.suite.conditions import Condition, ScoredPair
from degrade.errors import ImageError
from zoo.restorers.placement import Placement


@dataclass(frozen=True, slots=True)
class DegradedImage:
    """One degraded image of one condition, read; a version of the image ``original``."""

    condition: Condition
    key: ImageKey
    original: str
    pair: ScoredPair

    def as_input(self) -> RestorerInput:
        """Return what restorers get: an image that its recipe left smaller is enlarged first.

        By OpenCV's bicubic, so that all of them start from the same pixels.
        """
        condition, pair = self.condition, self.pair
        face = match_size(pair.lq, pair.hq.shape[:2])
        mask = condition.masks.of(self.original, pair.hq, face) if condition.masks else None
        name = f"{condition.dataset}/{condition.recipe}/{pair.key}"
        return RestorerInput(face, mask, pair.plan, name)


@dataclass(frozen=True, slots=True)
class _Pending:
    """An image to be restored, where, and its key in the cache if it is restored there."""

    degraded: DegradedImage
    input: RestorerInput
    placement: Placement
    key: str


class RestoredImages:
    """Restored images by restorer and condition, kept in the run's files and in the cache."""

    def __init__(self, files: RestoredFiles, cache: Cache) -> None:
        self._files, self._cache = files, cache

    def keep_hq(self, degraded: DegradedImage) -> None:
        """Write the HQ of an image where it is not there yet."""
        path = self._files.path(*degraded.condition.id, HQ, degraded.key[0])
        if degraded.condition.truths and self._files.read(path) is None:
            self._files.write(path, degraded.pair.hq)

    def restore(
        self, runner: RestorerRunner, images: Sequence[DegradedImage], results: ResultsLog
    ) -> list[RestoredImage]:
        """Return what a restorer makes of each image, in their order."""
        restored: dict[int, RestoredImage] = {}
        pending: dict[int, _Pending] = {}
        for number, degraded in enumerate(images):
            earlier = self._of_this_run(runner, degraded, results)
            if earlier is None:
                task = self._pending(runner, degraded)
                earlier = self._of_the_cache(runner, task, results)
                if earlier is None:
                    pending[number] = task
                    continue
            restored[number] = earlier
        if pending:
            new = runner.restore([each.input for each in pending.values()])
            for (number, task), result in zip(pending.items(), new, strict=True):
                self._keep(runner, task, result, results)
                restored[number] = result
        return [restored[number] for number in range(len(images))]

    def _pending(self, runner: RestorerRunner, degraded: DegradedImage) -> _Pending:
        made, placement = degraded.as_input(), runner.placement
        return _Pending(degraded, made, placement, self._cache_key(runner, made, placement))

    def _of_this_run(
        self, runner: RestorerRunner, degraded: DegradedImage, results: ResultsLog
    ) -> RestoredImage | None:
        name = runner.card.name
        if not results.is_settled(degraded.condition, degraded.key, name, None):
            return None
        image = self._files.read(self._files.path(*degraded.condition.id, name, degraded.pair.key))
        same = image is not None and image.shape == degraded.pair.hq.shape
        return RestoredImage(image) if same else None

    def _of_the_cache(
        self, runner: RestorerRunner, task: _Pending, results: ResultsLog
    ) -> RestoredImage | None:
        cached = self._cache.restored(task.key)
        if cached is None:
            return None
        name, degraded = runner.card.name, task.degraded
        path = self._files.path(*degraded.condition.id, name, degraded.pair.key)
        self._files.write_file(path, cached.png)
        seconds = Measurement(cached.seconds, detail=TIMED_BEFORE)
        results.append(degraded.condition, degraded.key, name, None, seconds)
        return RestoredImage(cached.image)

    def _keep(
        self, runner: RestorerRunner, task: _Pending, restored: RestoredImage, results: ResultsLog
    ) -> None:
        name, degraded = runner.card.name, task.degraded
        if restored.image is None:
            failed = Measurement(None, Status.ERROR, restored.detail)
            results.append(degraded.condition, degraded.key, name, None, failed)
            return
        path = self._files.path(*degraded.condition.id, name, degraded.pair.key)
        png = self._files.write(path, restored.image, made_by=name)
        assert restored.seconds is not None
        same = restored.placement == task.placement  # not where there was no room for as many
        key = task.key if same else self._cache_key(runner, task.input, restored.placement)
        self._cache.keep_restored(key, png, restored.seconds, restored.memory)
        results.calls.add(name, restored.memory, restored.placement.batch, runner.hardware)
        seconds = Measurement(restored.seconds)
        results.append(degraded.condition, degraded.key, name, None, seconds)

    def _cache_key(self, runner: RestorerRunner, each: RestorerInput, placement: Placement) -> str:
        computed = runner.computed(placement)
        return self._cache.key_of(runner.card, each.face, each.mask, each.plan, computed)


def match_size(lq: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return ``lq`` at ``(height, width)`` of HQ, by OpenCV's bicubic where it differs."""
    if lq.shape[:2] == tuple(size):
        return lq
    resized = cv2.resize(lq, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, dtype=np.uint8)


def refuse_other_shape(pair: ScoredPair) -> None:
    """Raise ImageError where a degraded image is no smaller version of its HQ.

    One that is larger, or whose sides are in another proportion than a whole pixel explains,
    belongs to another image.
    """
    (height, width), (tall, wide) = pair.lq.shape[:2], pair.hq.shape[:2]
    same_proportion = abs(height * wide - width * tall) <= max(tall, wide)
    if height > tall or width > wide or not same_proportion:
        raise ImageError(
            f"the degraded {pair.key} is {height} x {width} pixels, its HQ {tall} x {wide}: "
            "these are not of one image"
        )
