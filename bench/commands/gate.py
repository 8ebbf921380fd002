"""What ``bench gate`` does; imported when it is used.

Reads options, calls the library, prints results; it decides nothing itself.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import NAMES, SUCCESSORS

if TYPE_CHECKING:
    from bench.gate.rules import MissingBaseline
    from bench.gate.verdict import Verdict

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("baseline", metavar="BASELINE", type=click.Path(path_type=Path))
@click.argument(
    "folder", metavar="RUN", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@SUCCESSORS
@click.option("--rules", "rules_file", type=_FILE, help="YAML.  [default: Relume's own]")
@click.option("--restorers", type=NAMES, help="Only these.  [default: the baseline's but input]")
@click.option(
    "--missing-baseline",
    type=click.Choice(["fail", "warn", "pass"]),
    help="Where BASELINE holds no run, or not the restorer: exit code 2, 0 with a warning, or 0. "
    "[default: as the rules say; theirs is fail]",
)
@click.option("--markdown", type=_FILE, help="Write a summary for a pull request.")
@click.option("--junit", type=_FILE, help="Write JUnit XML, a test case for each check.")
@click.option("--json", "json_file", type=_FILE, help="Write every number of every check.")
def gate(
    baseline: Path,
    folder: Path,
    successors: dict[str, str],
    rules_file: Path | None,
    restorers: tuple[str, ...] | None,
    missing_baseline: MissingBaseline | None,
    markdown: Path | None,
    junit: Path | None,
    json_file: Path | None,
) -> None:
    """Fail where the restorers of RUN are worse than the same ones in the run BASELINE.

    A check fails when the mean is worse by more than its rule allows and the paired test,
    corrected over all checks, says that this is not chance; or when images lost their value, as
    where a restorer raised an error. Both runs must be of the same suite.

    \b
    Examples:
      bench gate runs/main runs/change
      bench gate runs/main runs/change --rules rules.yaml --restorers style-128
      bench gate runs/main runs/change --as model-v1=model-v2
      bench gate runs/main runs/change --missing-baseline warn --markdown gate.md --junit gate.xml

    Exit codes: 0 passed; 1 a regression; 2 wrong use, or no baseline; 3 not comparable.
    """
    from bench.gate.gate import gate as decide
    from bench.gate.gate import without_baseline
    from bench.gate.rules import DEFAULT_RULES, load_rules
    from bench.gate.text import verdict_text
    from bench.stats.successors import renaming_notes, with_successors
    from bench.store.record import holds_run, load_run

    rules = load_rules(rules_file or DEFAULT_RULES)
    if missing_baseline is not None:
        rules = replace(rules, missing_baseline=missing_baseline)
    after = load_run(folder)
    if holds_run(baseline):
        earlier = load_run(baseline)
        before = with_successors(earlier, after, successors)
        verdict = decide(before, after, rules, restorers or ())
        notes = *renaming_notes(earlier, successors), *verdict.notes
        verdict = replace(verdict, notes=notes)
    else:
        verdict = without_baseline(f"{baseline} holds no run", rules)
    _write(verdict, markdown, junit, json_file)
    click.echo(verdict_text(verdict))
    _tell(verdict)
    if verdict.exit_code:
        raise click.exceptions.Exit(verdict.exit_code)


def _write(
    verdict: Verdict, markdown: Path | None, junit: Path | None, json_file: Path | None
) -> None:
    from bench.gate.junit import verdict_junit
    from bench.gate.text import verdict_markdown
    from degrade.images import atomic_file

    if markdown is not None:
        with atomic_file(markdown) as file:
            file.write(verdict_markdown(verdict).encode("utf-8", "backslashreplace"))
    if junit is not None:
        with atomic_file(junit) as file:
            file.write(verdict_junit(verdict))
    if json_file is not None:
        with atomic_file(json_file) as file:
            text = json.dumps(verdict.as_record(), indent=2, allow_nan=False)
            file.write(f"{text}\n".encode())


def _tell(verdict: Verdict) -> None:
    """Say on standard error what a person has to do where no check was made."""
    from bench.gate.verdict import Outcome

    if verdict.outcome is Outcome.MISSING_BASELINE and verdict.rules.missing_baseline != "pass":
        word = "error" if verdict.exit_code else "warning"
        click.echo(
            f"{word}: there is no baseline: keep a run of the main branch and give its folder, or "
            "use --missing-baseline pass",
            err=True,
        )
