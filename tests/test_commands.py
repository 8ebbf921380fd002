"""The commands and their options: a public contract, and what the documentation says of them."""

import re
import shlex
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[1]
SNAPSHOT = Path(__file__).with_name("commands.txt")
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def commands():
    """Yield (name, command) of every command of the three groups."""
    from bench.cli import main as bench
    from degrade.cli import main as degrade
    from zoo.cli import main as zoo

    for program, group in (("degrade", degrade), ("zoo", zoo), ("bench", bench)):
        context = click.Context(group, info_name=program)
        for name in group.list_commands(context):
            yield f"{program} {name}", group.get_command(context, name)


COMMANDS = dict(commands())


def described(parameter):
    kind = parameter.type
    values = "|".join(map(str, kind.choices)) if isinstance(kind, click.Choice) else kind.name
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    return f"{names} {'flag' if getattr(parameter, 'is_flag', False) else values}"


def test_commands_and_options_are_those_of_the_snapshot():
    """A change is made on purpose: `python -m tests.test_commands` writes the snapshot anew."""
    assert snapshot() == SNAPSHOT.read_text()


def snapshot():
    lines = []
    for name, command in COMMANDS.items():
        lines.append(name)
        lines += sorted(f"    {described(parameter)}" for parameter in command.params)
    return "\n".join(lines) + "\n"


def shell_lines(page):
    """Yield each command line of ours in a page's code blocks, comments cut off."""
    text = page.read_text().replace("\\\n", " ")
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            line = re.sub(r"^(\$ |- run: )", "", line.strip())
            if re.match(r"(degrade|zoo|bench) [a-z]", line):
                yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_line_of_the_documentation_names_a_command_and_its_options(page):
    for line in shell_lines(page):
        words = shlex.split(line, comments=True)
        assert " ".join(words[:2]) in COMMANDS, line
        parameters = COMMANDS[" ".join(words[:2])].params
        options = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
        used = {word.partition("=")[0] for word in words[2:] if re.match(r"--[a-z]", word)}
        assert used <= options | {"--help"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), target


if __name__ == "__main__":
    SNAPSHOT.write_text(snapshot())
