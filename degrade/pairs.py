"""Pairs of sharp and degraded pictures: computed when asked for, or read from a built folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from degrade.engine import apply_pair
from degrade.errors import DatasetError
from degrade.images import Image, read_image
from degrade.manifest import Row, inside, read_manifest
from degrade.planning import Plan, plan
from degrade.recipe import Recipe, load_recipe
from degrade.sources import ImageSource, open_source

__all__ = ["Pair", "PairedDataset", "StoredPairs", "pair_key"]


_UNDERSCORES = str.maketrans(dict.fromkeys(".\\:", "_"))


@dataclass(frozen=True, slots=True)
class Pair:
    """One sharp picture, its degraded copy, and how the one was made from the other.

    ``hq`` and ``lq`` are uint8 (height, width, 3) RGB; ``key`` is unique in its dataset.
    """

    key: str
    hq: Image
    lq: Image
    plan: Plan


def pair_key(image_id: str, variant: int, variants: int) -> str:
    """Return the key of a pair: the image's path without its ending, and its variant if several.

    Dots become underscores, as WebDataset ends a key at the first dot; so do backslashes and
    colons, which lead elsewhere on Windows.
    """
    path = PurePosixPath(image_id)
    stem = (path.parent / path.stem).as_posix().translate(_UNDERSCORES)
    return stem if variants == 1 else f"{stem}-v{variant:05d}"


class PairedDataset:
    """A map-style dataset whose degraded halves are computed when asked for; picklable.

    Parameters
    ----------
    source
        An `ImageSource`, or what `open_source` takes: a dataset's name, a folder, a file.
    recipe
        A `Recipe`, a recipe's name, or a YAML file.
    seed
        The dataset's seed, 0 to 2**64 − 1.
    variants
        Degraded versions of each picture; ``len`` is pictures × variants.

    Raises
    ------
    DatasetError
        Two pictures would have the same key, or the seed or variants are out of range.
    """

    def __init__(
        self,
        source: ImageSource | str | Path,
        recipe: Recipe | str | Path,
        seed: int = 0,
        variants: int = 1,
    ) -> None:
        if not 1 <= variants <= 65536:
            raise DatasetError(f"variants {variants} is not between 1 and 65536")
        if not 0 <= seed < 2**64:
            raise DatasetError(f"seed {seed} is not between 0 and 2**64 - 1")
        self.source = source if isinstance(source, ImageSource) else open_source(source)
        self.recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
        self.seed, self.variants = seed, variants
        _refuse_equal_keys(self.source)

    def __len__(self) -> int:
        return len(self.source) * self.variants

    def __getitem__(self, index: int) -> Pair:
        image_id, variant = self.address(index)
        return self.compute(image_id, variant, self.source.read(image_id))

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))

    def address(self, index: int) -> tuple[str, int]:
        """Return ``(image id, variant)`` of a position; raises IndexError beyond the end."""
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"pair {index} of {len(self)}")
        return self.source.keys[index // self.variants], index % self.variants

    def compute(self, image_id: str, variant: int, image: Image) -> Pair:
        """Return the pair that this dataset makes of one picture."""
        drawn = plan(
            self.recipe,
            seed=self.seed,
            image_id=image_id,
            size=(image.shape[0], image.shape[1]),
            variant=variant,
        )
        hq, lq = apply_pair(drawn, image)
        return Pair(pair_key(image_id, variant, self.variants), hq, lq, drawn)


class StoredPairs:
    """The pairs of a folder that `degrade build` made, read as they are stored; picklable."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.rows: tuple[Row, ...] = read_manifest(self.folder).rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Pair:
        row = self.rows[index]
        return Pair(
            row.key,
            read_image(inside(self.folder, row.hq_file_name)),
            read_image(inside(self.folder, row.lq_file_name)),
            Plan.from_json(row.plan),
        )

    def __iter__(self) -> Iterator[Pair]:
        return (self[index] for index in range(len(self)))


def _refuse_equal_keys(source: ImageSource) -> None:
    seen: dict[str, str] = {}
    for image_id in source.keys:
        other = seen.setdefault(pair_key(image_id, 0, 1), image_id)
        if other != image_id:
            raise DatasetError(
                f"{other!r} and {image_id!r} would both be stored under "
                f"{pair_key(image_id, 0, 1)!r}: rename one"
            )
