"""The command ``bench``; its commands are imported when they are used."""

from __future__ import annotations

import click

import degrade
from degrade.terminal import LazyGroup

_COMMANDS = {
    "run": ("bench.commands.run:run", "Score restorers as a suite says; goes on where it stopped."),
    "report": ("bench.commands.report:report", "Make the HTML page and tables of a run."),
    "calibrate": ("bench.commands.validate:calibrate", "Check every metric's arithmetic."),
    "cache": ("bench.commands.cache:cache", "Tell or clear what is kept of earlier runs."),
    "compare": ("bench.commands.compare:compare", "Say which restorer is better, if it can be."),
    "gate": ("bench.commands.gate:gate", "Fail where a run is worse than a baseline, for CI."),
    "groups": ("bench.commands.compare:groups", "Show a restorer's gain by group of faces."),
    "crosscheck": (
        "bench.commands.validate:crosscheck",
        "Print where other libraries' metrics differ from ours.",
    ),
    "generator": (
        "bench.commands.generator:generator",
        "Measure how far a generator's faces are from real ones.",
    ),
    "metrics": (
        "bench.commands.metrics:metrics",
        "List the metrics and whether they can run here.",
    ),
    "protocols": ("bench.commands.validate:protocols", "List what each paper's scripts compute."),
    "speed": ("bench.commands.speed:speed", "Time the degradation engine against its peers."),
}


@click.group(
    cls=LazyGroup,
    commands_from=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(degrade.__version__, prog_name="bench")
def main() -> None:
    """Score face restorers so that the number can be trusted.

    \b
    Examples:
      bench run demo
      bench report runs/demo
      bench compare runs/demo --restorer bilateral
      bench metrics
      bench speed

    Exit codes: 0 done; 1 some inputs failed; 2 wrong use; 3 results that cannot be compared.
    """
