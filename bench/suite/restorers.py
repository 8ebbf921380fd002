"""What a run is about: the restorers that a suite means, and names that cannot stand together.

Scores nothing and writes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bench.stats.scores import BASELINE
from bench.store.images import HQ, RestoredFiles
from bench.suite.conditions import Condition
from bench.suite.suite import ALL, Suite, SuiteError
from degrade.dataset.named import list_datasets
from degrade.errors import DatasetError, UserError
from zoo.registry.registry import cards


def restorer_names(names: Sequence[str], groups: Sequence[Sequence[Condition]]) -> tuple[str, ...]:
    """Return the names without repetition; the baseline is always among them, and first.

    ``all`` are those that take faces of the size of the first one that can be read.
    """
    if tuple(names) == (ALL,):
        size = _first_size(groups)
        names = [card.name for card in cards() if size is None or card.input_size in (None, size)]
    return tuple(dict.fromkeys([BASELINE, *names]))


def refuse_equal_names(names: Sequence[str]) -> None:
    """Refuse two restorers of one name; SuiteError."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SuiteError(f"two restorers are called '{twice[0]}': rename one of the weights files")


def refuse_equal_paths(files: RestoredFiles, conditions: Sequence[Condition]) -> None:
    """Refuse names that would leave the folder of images, or share a file in it; DatasetError."""
    taken: set[Path] = set()
    for condition in conditions:
        for key, _ in condition.addresses:
            path = files.path(condition.dataset, condition.recipe, HQ, key)
            if path in taken:
                raise DatasetError(
                    f"'{key}' in {condition.dataset} stands there twice, or its name is equal "
                    "to another's but for signs that file names cannot keep: rename it"
                )
            taken.add(path)


def with_whole_paths(suite: Suite) -> Suite:
    """Return the suite with whole paths: a cluster's workers have working folders of their own."""

    def whole(name: str) -> str:
        return str(Path(name).resolve()) if Path(name).exists() else name

    own = list_datasets()
    return dataclasses.replace(
        suite,
        datasets=tuple(name if name in own else whole(name) for name in suite.datasets),
        recipes=tuple(whole(n) if n.endswith((".yaml", ".yml")) else n for n in suite.recipes),
        restorers=tuple(whole(n) if Path(n).is_file() else n for n in suite.restorers),
    )


def _first_size(groups: Sequence[Sequence[Condition]]) -> tuple[int, int] | None:
    for condition in (condition for group in groups for condition in group):
        for index in range(len(condition.addresses)):
            try:
                height, width = condition.pairs[index].hq.shape[:2]
            except UserError:
                continue  # becomes rows of status error when it is scored
            return height, width
    return None
