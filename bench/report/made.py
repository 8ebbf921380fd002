"""The manifest of a run as label and text: what a page says about how its numbers were made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report.costs import cost_facts
from bench.report.pictures import has_truths
from bench.suite.no_reference import AS_FOUND

__all__ = ["facts_of"]

_MANY = 8
"""More recipes than these are told as one line."""


def facts_of(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return label and text of everything in ``run.json`` that decides a number."""
    environment = record["environment"]
    git = environment["git"]
    revision = "not a checkout"
    if git:
        revision = git["revision"] + (" with uncommitted changes" if git["dirty"] else "")
    libraries = environment["libraries"].items()
    return [
        ("Relume", environment["relume"]),
        ("Revision", revision),
        ("Suite", f"{record['suite']['name']} · sha256 {record['suite_sha256'][:16]}"),
        ("Seed", str(record["suite"]["seed"])),
        ("Variants", str(record["suite"]["variants"])),
        ("Reference of set metrics", _reference(record)),
        ("Masks given", record["suite"].get("masks", "none")),
        *_recipes(record),
        *_data(record),
        *_judges(record),
        *cost_facts(record),
        ("Started", record["started"]),
        ("Finished", record["finished"] or "not yet"),
        *(("Resumed", each["time"]) for each in record["resumed"]),
        ("Processor", f"{environment['cpu']} · {environment['cpus']} CPUs"),
        ("Threads", str(environment["torch_threads"] or "no network was loaded")),
        ("System", f"{environment['platform']} · Python {environment['python']}"),
        ("Libraries", " · ".join(f"{name} {version}" for name, version in libraries)),
    ]


def _recipes(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipes = {each["recipe"]: each["recipe_digest"] for each in record["conditions"]}
    if len(recipes) <= _MANY:
        return [(f"Recipe {name}", digest) for name, digest in recipes.items() if name != AS_FOUND]
    short = (f"{name} {digest[:8]}" for name, digest in recipes.items())
    return [(f"{len(recipes)} recipes", " · ".join(short))]


def _data(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the digest of each condition's pixels, of truths and degraded images."""
    known = [each for each in record["conditions"] if each.get("pixels_sha256")]
    if len(known) > _MANY:
        short = (
            f"{each['dataset']} × {each['recipe']} {each['pixels_sha256'][:8]}" for each in known
        )
        return [(f"Pixels of {len(known)} conditions", " · ".join(short))]
    return [
        (f"Pixels of {each['dataset']} × {each['recipe']}", each["pixels_sha256"]) for each in known
    ]


def _judges(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the digest of each file of weights that a metric was computed with."""
    judges: dict[tuple[str, str], list[str]] = {}
    for name, facts in record["metrics"].items():
        for file, digest in (facts.get("weights") or {}).items():
            judges.setdefault((file, digest), []).append(name)
    return [
        (f"Judge of {', '.join(names)}", f"{file} · sha256 {digest}")
        for (file, digest), names in judges.items()
    ]


def _reference(record: Mapping[str, Any]) -> str:
    found = record.get("reference")
    if not found:
        return "the truths of the same images" if has_truths(record) else "none"
    return f"{found['name']} · {found['images']} images · sha256 {found['sha256'][:16]}"
