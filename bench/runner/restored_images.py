"""The restored images of a few places: of an earlier session, of the cache, or made now.

Keeps every image and its time the moment there is one. Nothing here measures quality.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.metrics.metric import Measurement, Status
from bench.runner.cache import Cache
from bench.runner.efficiency import TIMED_BEFORE, Calls
from bench.runner.restored_output import Gallery, Outcome, match_size
from bench.runner.restorer_runner import Job, Station
from bench.store.photographs import ImageKey
from bench.store.results_log import Ledger
from bench.suite.conditions import Condition, Pair
from zoo.restorers.placement import Placement

__all__ = ["Place", "Supply"]


@dataclass(frozen=True, slots=True)
class Place:
    """One degraded image of one condition, read.

    Attributes
    ----------
    condition, key
        Which.
    photograph
        The photograph that it is a version of.
    pair
        The image and its truth.
    ledger
        Where rows of it go.
    """

    condition: Condition
    key: ImageKey
    photograph: str
    pair: Pair
    ledger: Ledger

    def settled(self, restorer: str) -> bool:
        """Say whether it was restored, and the image kept."""
        return self.ledger.settled(self.condition, self.key, restorer, None)

    def append_time(self, restorer: str, measured: Measurement) -> None:
        """Keep how long its restoration took."""
        self.ledger.append(self.condition, self.key, restorer, None, measured)


class Supply:
    """Hands out restored images.

    Parameters
    ----------
    gallery
        Where the images of the run lie.
    cache
        What other runs made.

    Attributes
    ----------
    calls
        What each restorer's calls took, so far.
    """

    def __init__(self, gallery: Gallery, cache: Cache) -> None:
        self._gallery, self._cache = gallery, cache
        self.calls = Calls()

    def restored(self, station: Station, places: Sequence[Place]) -> list[Outcome]:
        """Return what a restorer makes of each place, in their order."""
        found: dict[int, Outcome] = {}
        waiting: dict[int, _Waiting] = {}
        for number, place in enumerate(places):
            earlier = self._of_this_run(station, place)
            if earlier is None:
                job = _job(place)
                there = station.placement
                wanted = _Waiting(place, job, self._key(station, job, there), there)
                earlier = self._of_another(station, wanted)
                if earlier is None:
                    waiting[number] = wanted
                    continue
            found[number] = earlier
        if waiting:
            made = station.restore([each.job for each in waiting.values()])
            for (number, wanted), outcome in zip(waiting.items(), made, strict=True):
                self._keep(station, wanted, outcome)
                found[number] = outcome
        return [found[number] for number in range(len(places))]

    def _of_this_run(self, station: Station, place: Place) -> Outcome | None:
        if not place.settled(station.card.name):
            return None
        image = self._gallery.read(self._path(station, place))
        same = image is not None and image.shape == place.pair.hq.shape
        return Outcome(image) if same else None

    def _of_another(self, station: Station, wanted: _Waiting) -> Outcome | None:
        kept = self._cache.restored(wanted.key)
        if kept is None:
            return None
        self._gallery.write_file(self._path(station, wanted.place), kept.png)
        time = Measurement(kept.seconds, detail=TIMED_BEFORE)
        wanted.place.append_time(station.card.name, time)
        return Outcome(kept.image)

    def _keep(self, station: Station, wanted: _Waiting, outcome: Outcome) -> None:
        name, place = station.card.name, wanted.place
        if outcome.image is None:
            place.append_time(name, Measurement(None, Status.ERROR, outcome.detail))
            return
        png = self._gallery.write(self._path(station, place), outcome.image, made_by=name)
        assert outcome.seconds is not None
        same = outcome.placement == wanted.placement  # not where there was no room for as many
        key = wanted.key if same else self._key(station, wanted.job, outcome.placement)
        self._cache.keep_restored(key, png, outcome.seconds, outcome.memory)
        self.calls.add(name, outcome.memory, outcome.placement.batch, station.hardware)
        place.append_time(name, Measurement(outcome.seconds))

    def _key(self, station: Station, job: Job, placement: Placement) -> str:
        computed = station.computed(placement)
        return self._cache.key_of(station.card, job.face, job.mask, job.plan, computed)

    def _path(self, station: Station, place: Place) -> Path:
        where = place.condition.dataset, place.condition.recipe
        return self._gallery.path(*where, station.card.name, place.pair.key)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An image that is to be restored, where, and its key in the cache if it is made there."""

    place: Place
    job: Job
    key: str
    placement: Placement


def _job(place: Place) -> Job:
    """Return what restorers are given: an image that its recipe left smaller is enlarged first.

    By OpenCV's bicubic, so that all of them start from the same pixels.
    """
    condition, pair = place.condition, place.pair
    face = match_size(pair.lq, pair.hq.shape[:2])
    mask = condition.masks.of(place.photograph, pair.hq, face) if condition.masks else None
    name = f"{condition.dataset}/{condition.recipe}/{pair.key}"
    return Job(face, mask, pair.plan, name)
