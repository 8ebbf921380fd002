"""A card as lines for a terminal: what every restorer has, then what its card file adds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from zoo.commands.lines import aligned
from zoo.registry.model_card import ModelCard
from zoo.restorer import Card

__all__ = ["card_lines", "size_of", "told_of"]

_WIDE = 100


def card_lines(shown: ModelCard) -> Iterator[str]:
    """Yield the lines of a card; texts are wrapped, tables and values line up."""
    card = shown.card
    rows = [
        ("name", card.name),
        ("kind", card.kind),
        ("told", told_of(card)),
        ("summary", card.summary),
        ("limits", card.limits),
        ("source", card.source),
        ("input size", size_of(card)),
        ("alignment", card.template or "any"),
        ("regions of masks", ", ".join(card.regions) or "all, or none are read"),
        ("trained on", card.trained_on),
        ("loss networks", ", ".join(card.loss_networks) or "none"),
        ("licence of code", card.licence_code),
        ("licence of weights", card.licence_weights),
        ("sha256 of weights", card.sha256 or "no weights"),
    ]
    yield from _values(dict(rows))
    for heading, content in shown.more.items():
        yield from ("", heading.upper())
        yield from _section(content)


def told_of(card: Card) -> str:
    """Return ``blind``, or ``oracle`` for one that is told the degradation."""
    return "blind" if card.blind else "oracle"


def size_of(card: Card) -> str:
    """Return the size of its faces in words."""
    if card.input_size is None:
        return "any"
    height, width = card.input_size
    return f"{height} × {width} pixels"


def _section(content: object) -> Iterator[str]:
    """Yield a heading's content: a mapping, a list of mappings with the same keys, or text."""
    if isinstance(content, Mapping):
        yield from _values({str(name): _text(value) for name, value in content.items()})
    elif isinstance(content, list) and content and all(isinstance(row, Mapping) for row in content):
        columns = list(dict.fromkeys(name for row in content for name in row))
        cells = [[_text(row.get(name, "–")) for name in columns] for row in content]
        yield from _table([[str(name) for name in columns], *cells])
    elif isinstance(content, list):
        for entry in content:
            yield from textwrap.wrap(_text(entry), _WIDE, initial_indent="- ",
                                     subsequent_indent="  ")  # fmt: skip
    else:
        for paragraph in _text(content).strip().split("\n\n"):
            yield from textwrap.wrap(paragraph, _WIDE)


def _values(rows: Mapping[str, str]) -> Iterator[str]:
    """Yield names and values, the long values wrapped under themselves."""
    edge = max(map(len, rows), default=0) + 2
    for name, value in rows.items():
        lines = textwrap.wrap(value, _WIDE - edge, break_long_words=False) or [""]
        yield f"{name:<{edge}}{lines[0]}"
        yield from (" " * edge + line for line in lines[1:])


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from (line.rstrip() for line in aligned(rows))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value)
    return str(value)
