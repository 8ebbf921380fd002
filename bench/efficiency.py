"""What a restorer costs: latency, working memory and parameters, from the calls of a run.

Latency is that of the rows of seconds. These numbers differ from run to run and machine to machine,
so they stand in ``run.json`` beside the machine, never among the scores.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.rows import Row
from degrade.errors import DatasetError
from zoo.restorer import Restorer

__all__ = [
    "TIMED_BEFORE",
    "Efficiency",
    "MemoryPeaks",
    "count_parameters",
    "efficiencies",
    "peak_memory",
]

_PEAK_STATUS = Path("/proc/self/status")
_PEAK_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = b"5"
"""Written to ``clear_refs``, sets the peak to what is resident now (proc_pid_clear_refs(5))."""
_DEPTH = 4
_REMEDY = "repeat its `bench run` into the same folder, which writes it anew"
_FIELDS: Mapping[str, tuple[type | tuple[type, ...], bool]] = {
    "restorer": (str, False),
    "faces": (int, False),
    "p50": ((int, float), True),
    "p95": ((int, float), True),
    "memory": (int, True),
    "parameters": (int, True),
}
"""Of an entry in the record: its types in JSON, and whether it may be null."""
TIMED_BEFORE = "restored and timed by an earlier run, from the cache"
"""The detail of a time that is no call of this run: it may have been another day's load."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What one restorer costs on the machine of the run.

    Attributes
    ----------
    restorer
        Its name.
    faces
        Calls of this run that were timed, of one face each; what came from the cache is none.
    p50, p95
        Quantiles of the wall time of a call in seconds, linear between calls (Hyndman and Fan
        1996, type 7); None without a call.
    memory
        Bytes by which the resident memory of the process rose at most within a call, above what
        was resident when it began: what the restorer needs besides its weights. The first call
        counts, with what it loads late. None where the system does not tell (Linux does).
    parameters
        Learned numbers, 0 for a method without any; None where they cannot be counted.
    """

    restorer: str
    faces: int
    p50: float | None
    p95: float | None
    memory: int | None
    parameters: int | None

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, entry: object) -> Efficiency:
        """Return what `as_record` wrote.

        Raises
        ------
        DatasetError
            Something else stands there, or a field is missing.
        """
        if not isinstance(entry, Mapping):
            raise DatasetError(f"an entry of `efficiency` in run.json is no object: {_REMEDY}")
        for name, (wanted, optional) in _FIELDS.items():
            value = entry.get(name)
            if name not in entry or not (isinstance(value, wanted) or (optional and value is None)):
                raise DatasetError(
                    f"an entry of `efficiency` in run.json has no usable {name}: {_REMEDY}"
                )
        return cls(**{name: entry[name] for name in _FIELDS})


class MemoryPeaks:
    """The largest working memory of each restorer, as its calls come by; picklable."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self.found: dict[str, int] = dict(known or {})

    @classmethod
    def of(cls, records: object) -> MemoryPeaks:
        """Return what an earlier session recorded, a list from `Efficiency.as_record`.

        What is none of ours is left out: at its end a session writes all entries anew.
        """
        peaks = cls()
        for entry in records if isinstance(records, Sequence) else ():
            with contextlib.suppress(DatasetError):
                found = Efficiency.from_record(entry)
                peaks.add(found.restorer, found.memory)
        return peaks

    def add(self, restorer: str, size: int | None) -> None:
        """Take in one call's bytes; None, where the system told nothing, is left out."""
        if size is not None:
            self.found[restorer] = max(size, self.found.get(restorer, 0))

    def take(self, other: MemoryPeaks) -> None:
        """Take in everything another one holds."""
        for restorer, size in other.found.items():
            self.add(restorer, size)


class peak_memory:  # noqa: N801 - used as a function: with peak_memory() as grown
    """Measures by how many bytes the resident memory of this process rises within a block.

    Attributes
    ----------
    size
        Bytes, known after the block; None where the system does not tell.
    """

    def __init__(self) -> None:
        self.size: int | None = None
        self._before: int | None = None

    def __enter__(self) -> peak_memory:
        try:
            _PEAK_RESET.write_bytes(_RESET_PEAK)
        except OSError:
            return self  # not Linux, or not allowed in this container
        self._before = _resident("VmRSS")
        return self

    def __exit__(self, *error: object) -> None:
        after = _resident("VmHWM") if self._before is not None else None
        if after is not None and self._before is not None:
            self.size = max(0, after - self._before)


def count_parameters(restorer: Restorer) -> int | None:
    """Return how many parameters a restorer's networks have, each counted once."""
    if restorer.card.kind in ("reference", "classical", "oracle"):
        return 0
    torch = sys.modules.get("torch")
    if restorer.card.kind != "network" or torch is None:
        return None
    counted: dict[int, int] = {}
    for module in _held(restorer, torch.nn.Module, _DEPTH):
        counted.update({id(each): each.numel() for each in module.parameters()})
    return sum(counted.values()) or None


def efficiencies(
    rows: Iterable[Row], restorers: Sequence[Restorer], seconds: str, peaks: MemoryPeaks
) -> list[Efficiency]:
    """Return what each restorer costs.

    Parameters
    ----------
    rows
        Of the run.
    restorers
        In the order of the tables.
    seconds
        The name of the metric that is the time of a call.
    """
    times: dict[str, list[float]] = {}
    for row in rows:
        if row.metric == seconds and row.value is not None and row.detail != TIMED_BEFORE:
            times.setdefault(row.restorer, []).append(row.value)
    found = []
    for restorer in restorers:
        name = restorer.card.name
        own = times.get(name, [])
        p50, p95 = map(float, np.quantile(own, [0.5, 0.95])) if own else (None, None)
        parameters = count_parameters(restorer)
        found.append(Efficiency(name, len(own), p50, p95, peaks.found.get(name), parameters))
    return found


def _resident(name: str) -> int | None:
    """Return a line of the process's status in bytes."""
    for line in _PEAK_STATUS.read_bytes().splitlines():
        if line.startswith(name.encode() + b":"):
            return int(line.split()[1]) * 1024
    return None


def _held(thing: object, kind: type, depth: int) -> list[Any]:
    """Return the objects of a kind that an object holds in its attributes, or they in theirs."""
    if isinstance(thing, kind):
        return [thing]
    if depth == 0 or not type(thing).__module__.startswith("zoo."):
        return []
    slots = [name for each in type(thing).__mro__ for name in getattr(each, "__slots__", ())]
    values = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, s, None) for s in slots)]
    return [found for value in values for found in _held(value, kind, depth - 1)]
