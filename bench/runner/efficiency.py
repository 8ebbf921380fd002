"""What a restorer costs: latency, working memory and parameters, from the calls of a run.

Latency is that of the rows of seconds, memory that of `Meter`. These numbers differ from run to
run and machine to machine, so they stand in ``run.json`` beside the machine, never among the
scores.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.store.record import SECONDS
from bench.store.rows import ScoreRow
from degrade.config import to_config
from degrade.errors import DatasetError
from zoo.restorer import Restorer
from zoo.restorers.placement import CPU, HERE, DeviceRestorer, Placement

_DEPTH = 4
_REMEDY = "repeat its `bench run` into the same folder, which writes it anew"
TIMED_BEFORE = "restored and timed by an earlier run, from the cache"
"""The detail of a time that is no call of this run: it may have been another day's load."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What one restorer costs on the machine of the run.

    ``faces`` were restored and timed in this run; what came from the cache is none. ``p50`` and
    ``p95`` are quantiles over faces of the wall time in seconds, a call's time being shared by the
    ``batch`` faces in it (the fewest, where a GPU had no room for as many as were asked for),
    linear between faces (Hyndman and Fan 1996, type 7). ``memory`` is the bytes by which memory
    rose at most within a call: what the restorer needs besides its weights, for a whole batch, of
    the process or of the GPU. The first call counts, with what it loads late. ``parameters`` is 0
    for a method that learned none. Whatever is not known is None.
    """

    restorer: str
    faces: int
    p50: float | None
    p95: float | None
    memory: int | None
    parameters: int | None
    batch: int = 1
    devices: tuple[str, ...] = (CPU,)

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, entry: object) -> Efficiency:
        """Return what `as_record` wrote; DatasetError where something else stands there."""
        try:
            return to_config(entry, cls, "run.json", error=DatasetError, at=("efficiency",))
        except DatasetError as problem:
            raise DatasetError(f"{problem}: {_REMEDY}") from None


class Calls:
    """What the calls of each restorer took, as they come by; picklable.

    ``memory`` is the most bytes of any call, ``batches`` the fewest images at once; ``devices`` are
    several where a cluster has several, see `zoo.restorers.placement.device_facts`.
    """

    def __init__(self) -> None:
        self.memory: dict[str, int] = {}
        self.batches: dict[str, int] = {}
        self.devices: dict[str, frozenset[str]] = {}

    @classmethod
    def of(cls, records: object) -> Calls:
        """Return what an earlier session recorded, a list from `Efficiency.as_record`.

        What is none of ours is left out: at its end a session writes all entries anew.
        """
        calls = cls()
        for entry in records if isinstance(records, Sequence) else ():
            with contextlib.suppress(DatasetError):
                costs = Efficiency.from_record(entry)
                for device in costs.devices if costs.faces else ():
                    calls.add(costs.restorer, costs.memory, costs.batch, device)
        return calls

    def add(self, restorer: str, memory: int | None, batch: int = 1, device: str = CPU) -> None:
        """Take in one call; memory None, where the system told nothing, is left out."""
        if memory is not None:
            self.memory[restorer] = max(memory, self.memory.get(restorer, 0))
        self.batches[restorer] = min(batch, self.batches.get(restorer, batch))
        self.devices[restorer] = self.devices.get(restorer, frozenset()) | {device}

    def take(self, other: Calls) -> None:
        """Take in everything another one holds."""
        for restorer, devices in other.devices.items():
            for device in devices:
                self.add(restorer, other.memory.get(restorer), other.batches[restorer], device)

    def copy(self) -> Calls:
        """Return another one that holds the same."""
        other = Calls()
        other.take(self)
        return other


def facts_of_seconds(placement: Placement) -> dict[str, str]:
    """Return the facts of the seconds as `bench.store.record.SECONDS` has them, for a placement."""
    facts = dict(SECONDS)
    if placement != HERE:
        device = "|cuda" if placement.on_gpu else ""
        facts["signature"] = f"seconds|wall|batch{placement.batch}{device}"
        facts["source"] = (
            f"wall time of a restore call on the machine below, shared by the faces in it: "
            f"{placement.batch} for a network, 1 otherwise; see `efficiency`"
        )
    return facts


def count_parameters(restorer: Restorer) -> int | None:
    """Return how many parameters a restorer's networks have, each counted once."""
    if restorer.card.kind in ("reference", "classical", "oracle"):
        return 0
    torch = sys.modules.get("torch")
    if restorer.card.kind != "network" or torch is None:
        return None
    counted: dict[int, int] = {}
    for module in _modules_of(restorer, torch.nn.Module, _DEPTH):
        counted.update({id(each): each.numel() for each in module.parameters()})
    return sum(counted.values()) or None


def efficiencies(
    rows: Iterable[ScoreRow],
    restorers: Sequence[Restorer],
    calls: Calls,
    placement: Placement = HERE,
) -> list[Efficiency]:
    """Return what each restorer costs, in the order of the tables.

    ``placement`` stands for the calls of a session that was cut off.
    """
    times: dict[str, list[float]] = {}
    for row in rows:
        if row.metric == SECONDS["name"] and row.value is not None and row.detail != TIMED_BEFORE:
            times.setdefault(row.restorer, []).append(row.value)
    costs = []
    for restorer in restorers:
        name = restorer.card.name
        own = times.get(name, [])
        there = placement if own and isinstance(restorer, DeviceRestorer) else HERE
        p50, p95 = map(float, np.quantile(own, [0.5, 0.95])) if own else (None, None)
        costs.append(
            Efficiency(
                name,
                len(own),
                p50,
                p95,
                calls.memory.get(name),
                count_parameters(restorer),
                calls.batches.get(name, there.batch),
                tuple(sorted(calls.devices.get(name, {there.device}))),
            )
        )
    return costs


def _modules_of(thing: object, kind: type, depth: int) -> list[Any]:
    """Return the objects of a kind that an object holds in its attributes, or they in theirs."""
    if isinstance(thing, kind):
        return [thing]
    if depth == 0 or not type(thing).__module__.startswith("zoo."):
        return []
    slots = [name for each in type(thing).__mro__ for name in getattr(each, "__slots__", ())]
    values = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, s, None) for s in slots)]
    return [costs for value in values for costs in _modules_of(value, kind, depth - 1)]


_PEAK_STATUS = Path("/proc/self/status")
_PEAK_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = b"5"
"""Written to ``clear_refs``, sets the peak to what is resident now (proc_pid_clear_refs(5))."""


class Meter:
    """Measures wall seconds and bytes of the block of a ``with`` statement.

    A GPU (``cuda:N``) works on after a call returns: the clock is read when it has done all that it
    was given, before the block and in it. ``memory`` is the bytes by which memory rose at most
    above what was taken at the start; None where the system does not tell (Linux and CUDA do).
    """

    def __init__(self, device: str = CPU) -> None:
        self.seconds = 0.0
        self.memory: int | None = None
        self._device = device
        self._before: int | None = None
        self._start = 0.0

    def __enter__(self) -> Meter:
        self._before = _resident() if self._device == CPU else _allocated(self._device)
        self._start = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        if self._device != CPU and error[0] is None:
            _cuda().synchronize(self._device)
        self.seconds = time.perf_counter() - self._start
        if self._before is None or error[0] is not None:
            return
        on_gpu = self._device != CPU
        peak = _cuda().max_memory_allocated(self._device) if on_gpu else _status("VmHWM")
        self.memory = None if peak is None else max(0, int(peak) - self._before)


def _resident() -> int | None:
    """Return the process's resident bytes, from where on its peak is told anew."""
    try:
        _PEAK_RESET.write_bytes(_RESET_PEAK)
    except OSError:
        return None  # not Linux, or not allowed in this container
    return _status("VmRSS")


def _allocated(device: str) -> int:
    """Return the bytes taken on a GPU that has done its work, from where on the peak is told."""
    cuda = _cuda()
    cuda.synchronize(device)
    cuda.reset_peak_memory_stats(device)
    return int(cuda.memory_allocated(device))


def _status(name: str) -> int | None:
    """Return a line of the process's status in bytes."""
    for line in _PEAK_STATUS.read_bytes().splitlines():
        if line.startswith(name.encode() + b":"):
            return int(line.split()[1]) * 1024
    return None


def _cuda() -> Any:
    import torch

    return torch.cuda
