"""Check the rows of a built dataset one by one: the files, the plan, and the LQ made again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from degrade.dataset.reader import read_file, read_lq
from degrade.dataset.rows import Row, pixel_digest
from degrade.dataset.sources import ImageSource
from degrade.dataset.storage import Storage
from degrade.engine.apply import carry_out, steps_of
from degrade.errors import ImageError
from degrade.images import Image, decode_image
from degrade.planner.plan import Plan
from degrade.random import normalise_path

__all__ = ["Checking", "Mismatch", "plan_of"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing about one pair that is not as the manifest says."""

    key: str
    problem: str


@dataclass(frozen=True, slots=True)
class Checking:
    """What every row of a dataset is checked against; picklable.

    Attributes
    ----------
    storage
        The dataset's.
    seed, recipe_digest
        What every plan was drawn from.
    recompute
        Whether to degrade the HQ again and compare every pixel of the LQ.
    source
        Where an HQ that is not stored comes from; None where that cannot be found, and then
        only the LQ is checked.
    """

    storage: Storage
    seed: int
    recipe_digest: str
    recompute: bool = True
    source: ImageSource | None = None

    def rows(self, rows: tuple[Row, ...]) -> tuple[int, list[Mismatch]]:
        """Return how many rows were checked and what is wrong with them; for worker processes."""
        return len(rows), [found for row in rows for found in self.row(row)]

    def row(self, row: Row) -> Iterator[Mismatch]:
        """Yield what is wrong with one pair: a changed file, a plan that gives other bytes."""
        try:
            plan = plan_of(row)
        except ValueError as error:
            yield Mismatch(row.key, f"its plan is damaged: {error}")
            return
        if (plan.seed, plan.recipe_digest) != (self.seed, self.recipe_digest):
            yield Mismatch(row.key, "its plan is of another seed or recipe than run.json")
        lq, wrong_lq = self._lq(row, plan)
        start, wrong_hq = self._start(row, plan)
        yield from (Mismatch(row.key, problem) for problem in (wrong_hq, wrong_lq) if problem)
        if not self.recompute or start is None or lq is None:
            return
        if start.shape[:2] != plan.size:
            yield Mismatch(row.key, "its plan was drawn for another size")
        elif pixel_digest(carry_out(plan, start, steps_of(plan, "lq"))) != row.lq_sha256:
            yield Mismatch(row.key, "degrading the stored HQ again gives another LQ")

    def _lq(self, row: Row, plan: Plan) -> tuple[Image | None, str]:
        """Return the LQ if it is as the row says, or what is wrong with it."""
        try:
            image = read_lq(self.storage, row, plan)
        except ValueError as error:
            return None, str(error)
        except (OSError, ImageError) as error:
            return None, _reason(row.lq_file_name, error)
        size = (row.lq_height, row.lq_width)
        return _as_told(image, row.lq_file_name, row.lq_sha256, size)

    def _start(self, row: Row, plan: Plan) -> tuple[Image | None, str]:
        """Return the picture that the LQ was made of, or what is wrong with the HQ.

        There is neither where the recipe changes the HQ and only that is stored.
        """
        size = (row.hq_height, row.hq_width)
        try:
            if row.hq_file_name:
                data = read_file(self.storage, row, row.hq_file_name)
                image, name = decode_image(data, row.hq_file_name), row.hq_file_name
            elif self.source is not None:
                image, name = self.source.read(row.source), row.source
            else:
                return None, ""
        except (OSError, ImageError) as error:
            return None, _reason(row.hq_file_name or row.source, error)
        steps = steps_of(plan, "hq")
        if row.hq_file_name:
            found, problem = _as_told(image, name, row.hq_sha256, size)
            return (None if steps else found), problem
        if image.shape[:2] != plan.size:
            return None, f"{name} has another size than its plan was drawn for"
        problem = _as_told(carry_out(plan, image, steps), name, row.hq_sha256, size)[1]
        return (None if problem else image), problem


def _as_told(
    image: Image, name: str, digest: str, size: tuple[int, int]
) -> tuple[Image | None, str]:
    if pixel_digest(image) != digest:
        return None, f"{name} has other pixels than the manifest says"
    if image.shape[:2] != size:
        return None, f"{name} has another size than its row says"
    return image, ""


def _reason(name: str, error: OSError | ImageError) -> str:
    if isinstance(error, OSError):
        return f"{name}: {error.strerror or error}"
    return str(error)


def plan_of(row: Row) -> Plan:
    """Return the plan of a row; raises ValueError when it is damaged or of another row."""
    plan = Plan.from_json(row.plan)
    if (plan.image_id, plan.variant) != (normalise_path(row.source), row.variant):
        raise ValueError(f"it is of {plan.image_id}, variant {plan.variant}")
    if plan.to_json() != row.plan:
        raise ValueError("it is not written as Relume writes it")
    return plan
