"""Why values are missing: rows without one, together where they share a reason."""

from __future__ import annotations

from dataclasses import dataclass

from bench.metrics.metric import Status
from bench.store.rows import Row

__all__ = ["Gap", "gaps_of"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows without a value that share a reason; ``images`` names them, each once."""

    status: str
    metric: str
    restorers: tuple[str, ...]
    conditions: tuple[str, ...]
    count: int
    detail: str
    images: tuple[str, ...] = ()


def gaps_of(rows: tuple[Row, ...]) -> tuple[Gap, ...]:
    """Return them, errors first."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.status != Status.OK:
            groups.setdefault((row.status, row.metric, row.detail), []).append(row)
    order = [Status.ERROR, *(status for status in Status if status is not Status.ERROR)]
    return tuple(
        Gap(
            status=status,
            metric=metric,
            restorers=tuple(dict.fromkeys(row.restorer for row in group)),
            conditions=tuple(dict.fromkeys(f"{row.dataset} × {row.recipe}" for row in group)),
            count=len(group),
            detail=detail,
            images=tuple(dict.fromkeys(row.key for row in group if row.key)),
        )
        for (status, metric, detail), group in sorted(
            groups.items(), key=lambda item: order.index(Status(item[0][0]))
        )
    )
