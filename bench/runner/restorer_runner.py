"""One restorer of a run: one call for a batch of images, and what to do when it fails.

A restorer may be anybody's code: here its failures become records, so that a run goes on.
Nothing here measures quality.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from bench.runner.efficiency import Meter
from degrade.errors import UserError
from degrade.planner.plan import Plan
from zoo.labels import keep_regions
from zoo.restorer import Card, Restorer
from zoo.restorers.placement import CPU, HERE, PRECISION, DeviceRestorer, Placement, device_facts


@dataclass(frozen=True, slots=True)
class RestorerInput:
    """One degraded image (uint8 HWC RGB, of the size of HQ) as a restorer gets it.

    The mask is ``(19, height, width)`` in [0, 1] or None; ``plan`` is for oracles only; the log of
    errors calls it ``name``.
    """

    face: NDArray[np.uint8]
    mask: NDArray[np.float32] | None
    plan: Plan
    name: str


@dataclass(frozen=True, slots=True)
class RestoredImage:
    """A restored image (uint8 HWC RGB, of the size of HQ), or one line on why there is none.

    ``seconds`` is the wall time of the call, shared by the images in it; None when an earlier run
    restored it. ``memory`` is the call's bytes, see `bench.runner.efficiency.Meter`. ``placement``
    says where, and how many at once there was room for.
    """

    image: NDArray[np.uint8] | None
    seconds: float | None = None
    memory: int | None = None
    detail: str = ""
    placement: Placement = HERE


class TracebackLog:
    """Appends the traceback of every failure to a text file, and gives it one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, what: str, error: BaseException) -> str:
        """Record ``error``, raised by ``what``, and return it as one line."""
        with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"--- {what}\n{''.join(traceback.format_exception(error))}\n")
        message = " ".join(str(error).split())
        return f"{type(error).__name__}: {message}" if message else type(error).__name__


class RestorerRunner:
    """One restorer, moved to its device when it is first used; ``errors`` takes the tracebacks.

    One that is no `DeviceRestorer` stays where it is and gets an image at a time.
    """

    def __init__(self, restorer: Restorer, placement: Placement, errors: TracebackLog) -> None:
        self._restorer, self._target, self._errors = restorer, placement, errors
        self._is_placed = placement == HERE or not isinstance(restorer, DeviceRestorer)
        self._hardware = ""

    @property
    def card(self) -> Card:
        """The restorer's."""
        return self._restorer.card

    @property
    def placement(self) -> Placement:
        """Where it computes from now on."""
        restorer = self._placed()
        return restorer.placement if isinstance(restorer, DeviceRestorer) else HERE

    @property
    def hardware(self) -> str:
        """The device, in words: see `zoo.restorers.placement.device_facts`."""
        if not self._hardware:
            self._hardware = device_facts(self.placement.device)
        return self._hardware

    def computed(self, placement: Placement) -> str:
        """Return what of a placement decides a network's bytes; empty where it was loaded."""
        if placement == HERE:
            return ""
        return f"{self.hardware}|batch{placement.batch}|{PRECISION}"

    def restore(self, inputs: Sequence[RestorerInput]) -> list[RestoredImage]:
        """Restore images, as many at once as the placement says; never raises for the restorer.

        A batch for which the GPU has no room is tried again in halves, from then on; one that
        fails otherwise is repeated image by image, so that only what cannot be restored fails.
        """
        restored: list[RestoredImage] = []
        while len(restored) < len(inputs):
            batch = inputs[len(restored) : len(restored) + self.placement.batch]
            results = self._attempt(batch)
            if results is None:
                self._halve_batch()
                continue
            if len(batch) > 1:
                pairs = zip(batch, results, strict=True)
                results = [
                    self._restore_one(each) if result.image is None else result
                    for each, result in pairs
                ]
            restored += results
        return restored

    def _restore_one(self, each: RestorerInput) -> RestoredImage:
        while (results := self._attempt([each])) is None:
            self._halve_batch()
        return results[0]

    def _attempt(self, inputs: Sequence[RestorerInput]) -> list[RestoredImage] | None:
        """Restore images in one call; None where fewer at once may find room."""
        restorer, placement = self._placed(), self.placement
        regions, blind = restorer.card.regions, restorer.card.blind
        # A restorer gets the regions that it was trained on; all where its card names none.
        masks = [
            each.mask if each.mask is None or not regions else keep_regions(each.mask, regions)
            for each in inputs
        ]
        meter = Meter(placement.device)
        try:
            with meter:
                restored: object = restorer.restore(
                    [each.face.copy() for each in inputs],
                    None if all(mask is None for mask in masks) else masks,
                    None if blind else [each.plan for each in inputs],
                )
        except Exception as error:  # anybody's code: a result, kept with its traceback
            if _is_out_of_memory(error) and placement.batch > 1:
                return None
            if len(inputs) > 1:
                return [RestoredImage(None)] * len(inputs)  # each is tried alone, and logged there
            what = f"{restorer.card.name} on {inputs[0].name}"
            return [RestoredImage(None, detail=self._errors.note(what, error))]
        if not isinstance(restored, list) or len(restored) != len(inputs):
            expected = "one image" if len(inputs) == 1 else f"{len(inputs)} images"
            detail = f"gave {type(restored).__name__}, not a list of {expected}"
            return [RestoredImage(None, detail=detail)] * len(inputs)
        faces = [each.face for each in inputs]
        computed = (
            restorer.computed_for(faces) if isinstance(restorer, DeviceRestorer) else len(faces)
        )
        results = []
        for image, face in zip(restored, faces, strict=True):
            if problem := _problem_of(image, face.shape):
                results.append(RestoredImage(None, detail=problem))
            else:
                seconds = meter.seconds / computed
                results.append(RestoredImage(image, seconds, meter.memory, placement=placement))
        return results

    def _placed(self) -> Restorer:
        """Return the restorer where it is to compute; UserError where its weights have no room."""
        if not self._is_placed:
            assert isinstance(self._restorer, DeviceRestorer)
            try:
                self._restorer = self._restorer.placed(self._target)
            except Exception as error:
                if not _is_out_of_memory(error):
                    raise
                raise UserError(
                    f"{self._target.device} has no room for the weights of {self.card.name} beside "
                    "what is there: name fewer --restorers or --workers, or use --device cpu"
                ) from error
            self._is_placed = True
        return self._restorer

    def _halve_batch(self) -> None:
        restorer = self._placed()
        assert isinstance(restorer, DeviceRestorer)
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


def _problem_of(image: object, shape: tuple[int, ...]) -> str:
    """Return one line on what is not an image of the expected shape, or the empty string."""
    if not isinstance(image, np.ndarray):
        return f"gave a {type(image).__name__}, not an array"
    if np.issubdtype(image.dtype, np.floating) and np.isnan(image).any():
        return f"gave NaN in a {image.dtype} array, not uint8"
    if image.dtype != np.uint8 or image.shape != shape:
        return f"gave {image.dtype} {image.shape}, not uint8 {tuple(shape)}"
    return ""


def _is_out_of_memory(error: Exception) -> bool:
    torch = sys.modules.get("torch")
    kinds = (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)
    # The libraries below torch have no kind of their own: CUBLAS_STATUS_ALLOC_FAILED,
    # CUDNN_STATUS_ALLOC_FAILED (docs.nvidia.com/cuda/cublas, section 2.2.3).
    return isinstance(error, kinds) or (
        isinstance(error, RuntimeError) and "STATUS_ALLOC_FAILED" in str(error)
    )
