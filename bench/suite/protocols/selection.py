"""From the metrics that a suite names to the columns of its protocols.

Chooses names; it loads and measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.suite.protocols.protocol import ScoringProtocol
from bench.suite.protocols.table import PROTOCOLS, STRICT
from degrade.config import nearest
from degrade.errors import UserError

__all__ = ["EVERY", "choose_columns", "protocol_names", "protocols_of"]

EVERY = "protocol"
"""Among the metrics: everything that the protocols report."""


def protocol_names() -> tuple[str, ...]:
    """Return the names of all protocols."""
    return tuple(PROTOCOLS)


def choose_columns(metrics: Sequence[str], protocols: Sequence[str] = (STRICT,)) -> tuple[str, ...]:
    """Return the names of the columns that stand for these metrics, each once, in order.

    A name that a protocol reports (``psnr``, ``identity``) becomes that protocol's columns; with
    two protocols, both. Any other name stands for itself, as does a column's own name.

    Parameters
    ----------
    metrics
        Names, or `EVERY`.
    protocols
        Names from `bench.suite.protocols.table.PROTOCOLS`.

    Raises
    ------
    UserError
        There is no such protocol, or a name is reported by other protocols only.
    """
    chosen = [_protocol(name) for name in protocols]
    wanted: list[str] = []
    for name in metrics:
        wanted += [each for p in chosen for each in p.variants] if name == EVERY else [name]
    return tuple(dict.fromkeys(column for name in wanted for column in _columns(name, chosen)))


def protocols_of(column: str) -> tuple[str, ...]:
    """Return the names of the protocols that have this column."""
    return tuple(
        name
        for name, protocol in PROTOCOLS.items()
        if any(column in columns for columns in protocol.variants.values())
    )


def _protocol(name: str) -> ScoringProtocol:
    if name not in PROTOCOLS:
        raise UserError(
            f"there is no protocol '{name}'.{nearest(name, PROTOCOLS)} "
            f"Name one of: {', '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[name]


def _columns(name: str, protocols: Sequence[ScoringProtocol]) -> tuple[str, ...]:
    found = tuple(column for p in protocols for column in p.variants.get(name, ()))
    if found or not _is_only_reported(name):
        return found or (name,)
    those = ", ".join(each for each, p in PROTOCOLS.items() if name in p.variants)
    raise UserError(
        f"the protocol {' and '.join(p.name for p in protocols)} has no '{name}': name one of "
        f"{those}, or a column such as identity_dlib (`bench metrics` lists them)"
    )


def _is_only_reported(name: str) -> bool:
    """Say whether this is what protocols report without being the name of a column."""
    from bench.metrics.registry import METRICS

    return name not in METRICS and any(name in p.variants for p in PROTOCOLS.values())
