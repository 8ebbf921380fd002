"""Counter-based streams: every number is a pure function of what it is for.

Philox4x32-10 (J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC'11). The key is the dataset's 64-bit seed; the counter is

    (block, slot 8 bits | purpose 8 bits | variant 16 bits, image id high, image id low)

with the image id the first 64 bits of the sha256 of the normalised relative path. So no
number depends on the order of images, the number of workers, or what else was drawn.
There is no generator to seed. This module holds the definition, in plain Python; the numbers of
a whole plan come from the same function in `degrade.planner.philox_vectorized`, the noise of
pixels from the same in `degrade.ops.kernels.philox`.

It also owns every purpose and slot in the three packages: training and synthesis, which need whole
arrays of numbers, draw from generators that are seeded here.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from degrade.errors import DatasetError
from degrade.portable_math import exp, log

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARAMETERS = 0
"""Purpose of the numbers that choose a step's parameters."""
PIXELS = 1
"""Purpose of the numbers that a step spends on pixels."""
FEEDING = 2
"""Purpose of the numbers that choose and order what a training is fed.

Their key has the number of a batch or a pass, or an image id, in the place of the image."""

# Slots of the purpose FEEDING; slots of the other purposes are the positions of a recipe's steps.
POOL_ORDER = 0
"""Of a `degrade.DataPool`: the order of the images in a pass."""
POOL_FAMILIES = 1
"""Of a `degrade.DataPool`: which pair of a batch is of which family."""
POOL_CROP = 2
"""Of a `degrade.DataPool`: where the window of an image lies."""
RESTORER_BATCH = 8
"""Of a restorer's training: which faces are mirrored, and which are left clean."""
EMBEDDER_VIEWS = 10
"""Of a descriptor's training: the two views of each face."""
ENCODER_BATCH = 11
"""Of an encoder's training: which faces are mirrored, and which are left clean."""

# Purposes of `array_generator`.
GENERATOR_ORDER = 1
"""Of a generator's training: the order of the faces in a pass."""
GENERATOR_FLIPS = 2
"""Of a generator's training: which faces of a batch are mirrored."""

# Parts of `step_seed` that are not the rank of a process.
MASK_DRAWS = 0
"""Masks of a restorer's batch: every process draws those of the whole batch."""

MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
"""Of Philox4x32; they and the Weyl increments as in Random123, ``include/Random123/philox.h``."""
WEYL = 0x9E3779B9, 0xBB67AE85
"""Increments of the two key words from round to round."""
UNIT = 1.0 / 9007199254740992.0
"""Times a whole number of 53 bits it is a float64 in [0, 1)."""

_MASK = 0xFFFFFFFF

Item = TypeVar("Item")


def philox4x32(
    counter: tuple[int, int, int, int], key: tuple[int, int], rounds: int = 10
) -> tuple[int, int, int, int]:
    """Return the four 32-bit words of one block."""
    multiplier_0, multiplier_1 = MULTIPLIERS
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        product_0 = multiplier_0 * c0
        product_1 = multiplier_1 * c2
        c0, c1, c2, c3 = (
            (product_1 >> 32) ^ c1 ^ k0,
            product_1 & _MASK,
            (product_0 >> 32) ^ c3 ^ k1,
            product_0 & _MASK,
        )
        k0, k1 = (k0 + WEYL[0]) & _MASK, (k1 + WEYL[1]) & _MASK
    return c0, c1, c2, c3


def normalise_path(path: str) -> str:
    """Return the relative path that names an image: ``/`` between parts, NFC, no ``.`` parts.

    Raises DatasetError for an absolute path or one that climbs with ``..``.
    """
    slashed = path.replace("\\", "/")
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    if slashed.startswith("/") or ".." in parts or not parts:
        raise DatasetError(f"{path!r} is not a relative path inside the dataset")
    return unicodedata.normalize("NFC", "/".join(parts))


def image_id_bits(image_id: str) -> int:
    """Return the 64-bit id of an image: the first 8 bytes of sha256 of its normalised path."""
    return path_bits(normalise_path(image_id))


def path_bits(normalised: str) -> int:
    """Return the `image_id_bits` of a path that `normalise_path` has returned."""
    name = normalised.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], "big")


@dataclass(frozen=True, slots=True)
class StreamKey:
    """Whose numbers: one dataset seed, one image, one variant."""

    seed: int  # 0 to 2**64 − 1
    image: int  # 64-bit image id, see `image_id_bits`
    variant: int  # 0 to 65 535

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**64:
            raise DatasetError(f"seed {self.seed} is not between 0 and 2**64 - 1")
        if not 0 <= self.variant < 2**16:
            raise DatasetError(f"variant {self.variant} is not between 0 and 65535")

    def words(self, slot: int, purpose: int) -> tuple[int, int, int, int, int]:
        """Return ``(key 0, key 1, counter 1, counter 2, counter 3)``; counter 0 is the block."""
        if not 0 <= slot < 256:
            raise DatasetError(f"step {slot} is beyond the 256 steps a recipe may have")
        # NumPy's integers would overflow in the products of `philox4x32`.
        seed, image = int(self.seed), int(self.image)
        middle = (int(slot) << 24) | (purpose << 16) | int(self.variant)
        return seed & _MASK, seed >> 32, middle, image >> 32, image & _MASK


def array_generator(seed: int, purpose: int, number: int) -> np.random.Generator:
    """Return NumPy's Philox4x64 generator of one purpose and one number, such as a step's."""
    import numpy as np

    return np.random.Generator(np.random.Philox([seed, purpose, number]))


def step_seed(seed: int, step: int, part: int = 0) -> int:
    """Return 64 bits that seed another library's generator for one step of a training.

    ``part`` tells the processes of one training apart by their rank.
    """
    import numpy as np

    words = np.random.SeedSequence([seed, step, part]).generate_state(2, np.uint32)
    return int(words[0]) | int(words[1]) << 32


def synthesis_words(seed: int, index: int, count: int) -> NDArray[np.uint64]:
    """Return ``count`` words of 64 bits that decide the synthetic face ``index`` of a seed.

    Philox4x64-10 of NumPy, keyed with the seed and counting from the index.
    """
    import numpy as np

    words: NDArray[np.uint64] = np.random.Philox(key=seed, counter=[0, 0, index, 0]).random_raw(
        count
    )
    return words


class Stream:
    """The numbers of one purpose of one step of one image, drawn in order.

    Every draw takes a fixed number of words (two), so adding a draw at the end moves none.
    """

    __slots__ = ("_block", "_key", "_rest", "_words")

    def __init__(self, key: StreamKey, slot: int, purpose: int = PARAMETERS) -> None:
        self._key = key.words(slot, purpose)
        self._block = 0
        self._rest: list[int] = []

    def unit(self) -> float:
        """Return a float64 in [0, 1) with 53 random bits."""
        if not self._rest:
            k0, k1, c1, c2, c3 = self._key
            self._rest = list(philox4x32((self._block, c1, c2, c3), (k0, k1)))
            self._block += 1
        high, low = self._rest.pop(0), self._rest.pop(0)
        return ((high >> 5) * 67108864.0 + (low >> 6)) * UNIT

    def uniform(self, low: float, high: float) -> float:
        """Return a float64 in [low, high); rounding may reach ``high``, never pass it."""
        return between(self.unit(), low, high)

    def log_uniform(self, low: float, high: float) -> float:
        """Return a float64 whose logarithm is uniform over [log low, log high)."""
        return log_between(self.unit(), low, high, log(low), log(high))

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high, both included, each equally likely."""
        return whole_between(self.unit(), low, high)

    def choice(self, weights: Sequence[float]) -> int:
        """Return an index with probability proportional to its weight."""
        return chosen(self.unit(), weights)

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """Return the items in a uniformly random order."""
        return shuffled(items, iter(self.unit, None))


def between(unit: float, low: float, high: float) -> float:
    """Return where a number of [0, 1) falls in [low, high]."""
    return low + (high - low) * unit


def log_between(unit: float, low: float, high: float, log_low: float, log_high: float) -> float:
    """Return where a number of [0, 1) falls in [low, high] by its logarithm."""
    value = exp(between(unit, log_low, log_high))
    return min(max(value, low), high)


def whole_between(unit: float, low: int, high: int) -> int:
    """Return which whole number from low to high, both included, a number of [0, 1) means."""
    return low + int(unit * (high - low + 1))


def chosen(unit: float, weights: Sequence[float]) -> int:
    """Return which index a number of [0, 1) means, each as wide as its weight."""
    # fsum: the built-in sum rounds otherwise from Python 3.12 on.
    mark = unit * math.fsum(weights)
    for index, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return index
    return max(index for index, weight in enumerate(weights) if weight > 0)


def shuffled(items: Sequence[Item], units: Iterator[float]) -> list[Item]:
    """Return the items in the order that as many numbers of [0, 1) but one mean.

    Fisher and Yates, from the last place to the first.
    """
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = whole_between(next(units), 0, last)
        order[last], order[other] = order[other], order[last]
    return order
