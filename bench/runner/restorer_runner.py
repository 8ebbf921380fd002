"""A restorer at its place: one call for a batch of images, and what to do when it fails.

A restorer may be anybody's code: here its failures become records, so that a run goes on.
Nothing here measures quality.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click
import numpy as np
from numpy.typing import NDArray

from bench.runner.profile import Meter
from bench.runner.restored_output import ErrorLog, Outcome
from degrade.errors import UserError
from degrade.planner.plan import Plan
from zoo.portrait.parse.labels import keep_regions
from zoo.restorer import Card, Restorer
from zoo.restorers.placement import CPU, HERE, PRECISION, Placeable, Placement, device_facts

__all__ = ["Job", "Station"]


@dataclass(frozen=True, slots=True)
class Job:
    """One degraded image as a restorer is given it.

    Attributes
    ----------
    face
        uint8 HWC RGB, of the size of the truth.
    mask
        The parsing mask, ``(19, height, width)`` in [0, 1]; None for none.
    plan
        Told to oracles only.
    name
        What the log of errors calls it.
    """

    face: NDArray[np.uint8]
    mask: NDArray[np.float32] | None
    plan: Plan
    name: str


class Station:
    """One restorer, moved to its place when it is first used.

    Parameters
    ----------
    restorer
        As it was loaded.
    wanted
        Where it is to compute; one that is not `zoo.restorers.placement.Placeable` stays where it
        is and is given an image at a time.
    errors
        Takes the tracebacks.
    """

    def __init__(self, restorer: Restorer, wanted: Placement, errors: ErrorLog) -> None:
        self._restorer, self._wanted, self._errors = restorer, wanted, errors
        self._placed = wanted == HERE or not isinstance(restorer, Placeable)
        self._hardware = ""

    @property
    def card(self) -> Card:
        """The restorer's."""
        return self._restorer.card

    @property
    def placement(self) -> Placement:
        """Where it computes from now on."""
        restorer = self._at_its_place()
        return restorer.placement if isinstance(restorer, Placeable) else HERE

    @property
    def hardware(self) -> str:
        """The device, in words: see `zoo.restorers.placement.device_facts`."""
        if not self._hardware:
            self._hardware = device_facts(self.placement.device)
        return self._hardware

    def computed(self, placement: Placement) -> str:
        """Return what of a place of its decides a network's bytes; empty where it was loaded."""
        if placement == HERE:
            return ""
        return f"{self.hardware}|batch{placement.batch}|{PRECISION}"

    def restore(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Restore images, as many at once as the placement says; never raises for the restorer.

        A batch for which the GPU has no room is tried again in halves, from then on; one that
        fails otherwise is repeated image by image, so that only what cannot be restored fails.
        """
        done: list[Outcome] = []
        while len(done) < len(jobs):
            batch = jobs[len(done) : len(done) + self.placement.batch]
            found = self._attempt(batch)
            if found is None:
                self._halve()
                continue
            if len(batch) > 1:
                pairs = zip(batch, found, strict=True)
                found = [self._alone(job) if each.image is None else each for job, each in pairs]
            done += found
        return done

    def _alone(self, job: Job) -> Outcome:
        found = self._attempt([job])
        while found is None:
            self._halve()
            found = self._attempt([job])
        return found[0]

    def _attempt(self, jobs: Sequence[Job]) -> list[Outcome] | None:
        """Return what became of the images, or None where fewer at once may find room."""
        restorer, placement = self._at_its_place(), self.placement
        blind = restorer.card.blind
        masks = [_known(job.mask, restorer.card.regions) for job in jobs]
        meter = Meter(placement.device)
        try:
            with meter:
                restored: object = restorer.restore(
                    [job.face.copy() for job in jobs],
                    None if all(mask is None for mask in masks) else masks,
                    None if blind else [job.plan for job in jobs],
                )
        except Exception as error:  # anybody's code: a result, kept with its traceback
            if _lacks_room(error) and placement.batch > 1:
                return None
            if len(jobs) > 1:
                return [Outcome(None)] * len(jobs)  # each is tried alone, and told of there
            what = f"{restorer.card.name} on {jobs[0].name}"
            return [Outcome(None, detail=self._errors.note(what, error))]
        if not isinstance(restored, list) or len(restored) != len(jobs):
            return [Outcome(None, detail=_no_list(restored, len(jobs)))] * len(jobs)
        faces = [job.face for job in jobs]
        computed = restorer.computed_for(faces) if isinstance(restorer, Placeable) else len(faces)
        share = meter.seconds / computed
        return [
            Outcome(None, detail=wrong)
            if wrong
            else Outcome(image, share, meter.memory, placement=placement)
            for image, wrong in (
                (image, what_is_wrong(image, job.face.shape))
                for image, job in zip(restored, jobs, strict=True)
            )
        ]

    def _at_its_place(self) -> Restorer:
        """Return the restorer where it is wanted.

        Raises
        ------
        UserError
            The device has no room for its weights.
        """
        if not self._placed:
            assert isinstance(self._restorer, Placeable)
            try:
                self._restorer = self._restorer.placed(self._wanted)
            except Exception as error:
                if not _lacks_room(error):
                    raise
                raise UserError(
                    f"{self._wanted.device} has no room for the weights of {self.card.name} beside "
                    "what is there: name fewer --restorers or --workers, or use --device cpu"
                ) from error
            self._placed = True
        return self._restorer

    def _halve(self) -> None:
        restorer = self._at_its_place()
        assert isinstance(restorer, Placeable)
        smaller = restorer.placement.halved()
        self._restorer = restorer.placed(smaller)
        torch = sys.modules.get("torch")
        if torch is not None and smaller.device != CPU:
            torch.cuda.empty_cache()
        click.echo(
            f"{self.card.name}: {smaller.device} has no room for {restorer.placement.batch} faces "
            f"at once, going on with {smaller.batch}",
            err=True,
        )


def what_is_wrong(image: object, shape: tuple[int, ...]) -> str:
    """Return one line on what a restorer gave in place of an image of a shape, or nothing."""
    if not isinstance(image, np.ndarray):
        return f"gave a {type(image).__name__}, not an array"
    if np.issubdtype(image.dtype, np.floating) and np.isnan(image).any():
        return f"gave NaN in a {image.dtype} array, not uint8"
    if image.dtype != np.uint8 or image.shape != shape:
        return f"gave {image.dtype} {image.shape}, not uint8 {tuple(shape)}"
    return ""


def _known(mask: NDArray[np.float32] | None, regions: Sequence[str]) -> NDArray[np.float32] | None:
    """Return the regions of a mask that a restorer was trained on; all where none are named."""
    return mask if mask is None or not regions else keep_regions(mask, regions)


def _no_list(restored: object, wanted: int) -> str:
    images = "one image" if wanted == 1 else f"{wanted} images"
    return f"gave {type(restored).__name__}, not a list of {images}"


def _lacks_room(error: Exception) -> bool:
    torch = sys.modules.get("torch")
    kinds = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    # The libraries below torch have no kind of their own: CUBLAS_STATUS_ALLOC_FAILED,
    # CUDNN_STATUS_ALLOC_FAILED (docs.nvidia.com/cuda/cublas, section 2.2.3).
    return isinstance(error, kinds) or (
        isinstance(error, RuntimeError) and "STATUS_ALLOC_FAILED" in str(error)
    )
