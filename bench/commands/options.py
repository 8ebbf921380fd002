"""Options that several of bench's commands share."""

from __future__ import annotations

import click


class _Names(click.ParamType[tuple[str, ...]]):
    name = "NAME,NAME"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        """Split at commas; an empty name is refused."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names):
            self.fail("give names with commas between them", param, ctx)
        return names


NAMES = _Names()
"""An option of names with commas between them."""


class _Renamed(click.ParamType[tuple[str, str]]):
    name = "OLD=NEW"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first sign of equality; both sides must be there."""
        if isinstance(value, tuple):
            return value
        old, _, new = (part.strip() for part in str(value).partition("="))
        if not (old and new):
            self.fail(f"'{value}' is not OLD=NEW: give both names, such as v1=v2", param, ctx)
        return old, new


def _by_name(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    """Return old name to new name; an old name has one successor."""
    names = dict(value)
    if len(names) < len(value):
        twice = next(old for at, (old, _) in enumerate(value) if old in dict(value[:at]))
        raise click.BadParameter(f"'{twice}' is given twice: name one successor", ctx, param)
    return names


SUCCESSORS = click.option(
    "--as",
    "successors",
    type=_Renamed(),
    multiple=True,
    callback=_by_name,
    help="Compare the earlier run's restorer OLD with NEW of the later one; may be repeated.",
)
