"""Check a built dataset against its manifest, and rebuild single pairs from their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from degrade.engine import apply_pair
from degrade.errors import DatasetError, ImageError
from degrade.images import Image, read_image
from degrade.lock import read_lock
from degrade.manifest import Manifest, Row, inside, pixel_digest, read_manifest
from degrade.operations import OPERATIONS
from degrade.planning import Plan
from degrade.random import normalise_path
from degrade.sources import ImageSource, open_source

__all__ = [
    "Mismatch",
    "differing_versions",
    "find_row",
    "replay",
    "verify_folder",
    "verify_row",
    "verify_rows",
]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing about one pair that is not as the manifest says."""

    key: str
    problem: str


def verify_row(folder: Path, row: Row, *, recompute: bool = True) -> Iterator[Mismatch]:
    """Yield what is wrong with one pair: a missing or changed file, a plan that gives other bytes.

    Parameters
    ----------
    folder
        The dataset's folder.
    row
        One row of its manifest.
    recompute
        Also degrade the stored HQ again and compare every pixel of the LQ.
    """
    found, mismatches = _read_halves(folder, row)
    yield from mismatches
    try:
        plan = _plan_of(row)
    except ValueError as error:
        yield Mismatch(row.key, f"its plan is damaged: {error}")
        return
    if recompute and len(found) == 2 and all(step.target == "lq" for step in plan.steps):
        if found[0].shape[:2] != plan.size:
            yield Mismatch(row.key, "its plan was drawn for another size")
        elif pixel_digest(apply_pair(plan, found[0])[1]) != row.lq_sha256:
            yield Mismatch(row.key, "degrading the stored HQ again gives another LQ")


def _read_halves(folder: Path, row: Row) -> tuple[list[Image], list[Mismatch]]:
    """Return those of ``[hq, lq]`` that are as the row says, and what is wrong with the others."""
    good: list[Image] = []
    wrong: list[str] = []
    for name, digest, size in (
        (row.hq_file_name, row.hq_sha256, (row.hq_height, row.hq_width)),
        (row.lq_file_name, row.lq_sha256, (row.lq_height, row.lq_width)),
    ):
        try:
            image = read_image(inside(folder, name))
        except OSError as error:
            wrong.append(f"{name}: {error.strerror}")
        except ImageError as error:
            wrong.append(str(error))
        else:
            if pixel_digest(image) != digest:
                wrong.append(f"{name} has other pixels than the manifest says")
            elif image.shape[:2] != size:
                wrong.append(f"{name} has another size than its row says")
            else:
                good.append(image)
    return good, [Mismatch(row.key, problem) for problem in wrong]


def _plan_of(row: Row) -> Plan:
    """Return the plan of a row; raises ValueError when it is damaged or of another row."""
    plan = Plan.from_json(row.plan)
    if (plan.image_id, plan.variant) != (normalise_path(row.source), row.variant):
        raise ValueError(f"it is of {plan.image_id}, variant {plan.variant}")
    if plan.to_json() != row.plan:
        raise ValueError("it is not written as Relume writes it")
    return plan


def verify_folder(folder: Path, manifest: Manifest) -> Iterator[Mismatch]:
    """Yield where the manifest as a whole is not what ``run.json`` says was built."""
    built = read_lock(folder)["built_from"]
    expected = (built["inputs"] - len(manifest.failed)) * built["variants"]
    if len(manifest.rows) != expected:
        yield Mismatch("the manifest", f"has {len(manifest.rows)} pairs, {expected} were built")
    for row in manifest.rows:
        try:
            plan = _plan_of(row)
        except ValueError:
            continue  # told with the row itself
        if (plan.seed, plan.recipe_digest) != (built["seed"], built["recipe_digest"]):
            yield Mismatch(row.key, "its plan is of another seed or recipe than run.json")


def differing_versions(folder: Path) -> list[str]:
    """Return the operations and codecs whose version is not the one the folder was made with."""
    from importlib.metadata import PackageNotFoundError, version

    lock = read_lock(folder)
    here_now = {name: operation.version for name, operation in OPERATIONS.items()}
    notes = [
        f"operation {name}: made with version {made}, here {here_now.get(name, 'it is unknown')}"
        for name, made in lock["built_from"]["operation_versions"].items()
        if here_now.get(name) != made
    ]
    codecs = {"imagecodecs"} if lock["made_with"]["not_portable"] else set()
    for name in sorted(codecs):
        made = lock["made_with"]["libraries"].get(name)
        try:
            here = version(name)
        except PackageNotFoundError:
            here = None
        if made != here:
            notes.append(f"codec library {name}: made with {made}, here {here}")
    return notes


def find_row(manifest: Manifest, key: str) -> Row:
    """Return the row of a pair by its key or either file name; raises DatasetError."""
    for row in manifest.rows:
        if key in (row.key, row.hq_file_name, row.lq_file_name):
            return row
    from degrade.yaml_lines import nearest

    keys = [row.key for row in manifest.rows]
    for row in manifest.failed:
        if key in (row.key, row.source):
            raise DatasetError(f"'{key}' has no pair, its input failed: {row.error}")
    raise DatasetError(f"there is no pair '{key}' in the manifest.{nearest(key, keys)}")


def replay(folder: Path, key: str, source: str | Path | None = None) -> tuple[Row, Image, Image]:
    """Return ``(row, hq, lq)`` of one pair, rebuilt from its row and the source's picture.

    Parameters
    ----------
    folder
        The dataset's folder.
    key
        The pair's key, or one of its file names.
    source
        Where the source picture is; by default where the build took it from, else the
        stored HQ, when the recipe leaves the HQ as it is.

    Raises
    ------
    DatasetError
        There is no such pair, or no picture to start from.
    """
    row = find_row(read_manifest(folder), key)
    try:
        plan = _plan_of(row)
    except ValueError as error:
        raise DatasetError(f"the plan of {row.key} is damaged: {error}", exit_code=1) from None
    hq, lq = apply_pair(plan, _start(folder, row, plan, source))
    return row, hq, lq


def _start(folder: Path, row: Row, plan: Plan, source: str | Path | None) -> Image:
    lock = read_lock(folder)
    longest = lock["built_from"]["longest_side"]
    if source is not None:
        return open_source(source, longest=longest).read(row.source)
    root = Path(lock["made_with"]["source_root"])
    if (root / row.source).is_file():
        return ImageSource(str(root), root, (row.source,), longest).read(row.source)
    if all(step.target == "lq" for step in plan.steps):
        return read_image(inside(folder, row.hq_file_name))
    raise DatasetError(
        f"{row.source} is not at {root} any more: say where the sources are with --source"
    )


def verify_rows(
    folder: Path, rows: tuple[Row, ...], *, recompute: bool = True
) -> tuple[int, list[Mismatch]]:
    """Return how many rows were checked and what is wrong with them; for worker processes."""
    found = [entry for row in rows for entry in verify_row(folder, row, recompute=recompute)]
    return len(rows), found
