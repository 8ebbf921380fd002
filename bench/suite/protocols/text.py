"""Protocols as text and as records, each column with its signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.metrics.registry import METRICS
from bench.suite.protocols.protocol import ScoringProtocol

__all__ = ["protocol_record", "protocol_text", "protocols_text"]


def protocols_text(protocols: Sequence[ScoringProtocol]) -> str:
    """Return name, summary and columns of each."""
    parts = []
    for each in protocols:
        parts += [f"{each.name}: {each.summary}", f"  {each.source}", *_columns(each)]
    return "\n".join(parts)


def protocol_text(protocol: ScoringProtocol) -> str:
    """Return everything about one."""
    parts = [protocols_text([protocol])]
    for title, notes in (("as its scripts do:", protocol.traps), ("otherwise:", protocol.differs)):
        if notes:
            parts += [title, *(f"  - {note}" for note in notes)]
    return "\n".join(parts)


def protocol_record(protocol: ScoringProtocol) -> dict[str, Any]:
    """Return a JSON-ready mapping; each column is a mapping of its name and signature."""
    return {
        "name": protocol.name,
        "summary": protocol.summary,
        "source": protocol.source,
        "variants": {
            reported: [
                {"metric": name, "signature": METRICS[name].entry.signature} for name in columns
            ]
            for reported, columns in protocol.variants.items()
        },
        "traps": list(protocol.traps),
        "differs": list(protocol.differs),
    }


def _columns(protocol: ScoringProtocol) -> list[str]:
    rows = [
        (reported, name, METRICS[name].entry.signature)
        for reported, columns in protocol.variants.items()
        for name in columns
    ]
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    return [f"  {a.ljust(widths[0])}  {b.ljust(widths[1])}  {c}" for a, b, c in rows]
