"""Which files a metric's judge was loaded from, and their sha256: a name of a network is no proof.

Reads files; it loads and measures nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.metrics.entry import MetricEntry
from bench.metrics.metric import PairMetric, SetMetric
from bench.metrics.no_reference.pyiqa_metric import PyiqaMetric

TENSORS = "tensors"
"""Stands for the file where a package keeps its weights as it likes: the digest is of what it
loaded."""

_FULL = 2 * hashlib.sha256().digest_size


def judge_weights(metrics: Iterable[PairMetric | SetMetric]) -> dict[str, dict[str, str]]:
    """Return, for each metric by name, file name to sha256 of all weights that decide its values.

    Nothing for one that looks through no network, or that cannot run here. A file is digested
    once however many metrics share it; one whose digest is published whole is not, as it is only
    ever loaded when that digest holds.
    """
    known: dict[Path, str] = {}
    digests = {}
    for metric in metrics:
        if isinstance(metric, PyiqaMetric):
            digest = metric.tensors_sha256()
            digests[metric.name] = {TENSORS: digest} if digest else {}
            continue
        # Those of tests, and of people who call the runner themselves, have no entry.
        entry = getattr(metric, "entry", None)
        digests[metric.name] = dict(_digests(entry, known)) if entry and entry.available else {}
    return digests


def other_weights(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say which file differs between the facts that two records have of a metric, in a few words.

    Empty where none does, and where one of them has none: its weights were missing, or it is of a
    version of Relume that did not record them.
    """
    one, other = before.get("weights") or {}, now.get("weights") or {}
    changed = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    if not (one and other and changed):
        return ""
    sides = [each[changed[0]][:12] if changed[0] in each else "not there" for each in (one, other)]
    return f"sha256 of {changed[0]} was {sides[0]}, now {sides[1]}"


def _digests(entry: MetricEntry, known: dict[Path, str]) -> Iterator[tuple[str, str]]:
    from zoo.weights.download import sha256_of
    from zoo.weights.files import known_weights, own_file, package_file

    paths = [package_file(*each) for each in entry.packaged]
    if entry.weights:
        published = known_weights(entry.weights)
        if len(published.sha256) == _FULL:
            yield published.filename, published.sha256.lower()
        else:
            paths.append(own_file(published.filename))
    if entry.file:
        paths.append(own_file(entry.file))
    for path in paths:
        if path not in known:
            known[path] = sha256_of(path)
        yield path.name, known[path]
