import errno

import click
import pytest
from click.testing import CliRunner

from degrade.errors import DatasetError, UserError
from degrade.terminal import LazyGroup, Progress, _duration, progress, resume_hint


def command_raising(error):
    @click.group(cls=LazyGroup)
    def main():
        pass

    @main.command()
    def go():
        raise error

    return CliRunner().invoke(main, ["go"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("wrong:\n  mend it"), 2, "Error: wrong: mend it\n"),
        (DatasetError("differs", exit_code=1), 1, "Error: differs\n"),
        (
            OSError(errno.ENOSPC, "x", "/a/b"),
            2,
            "Error: /a/b: the disk is full: free some space and run the same command again\n",
        ),
        (
            PermissionError(errno.EACCES, "x", "/a"),
            2,
            "Error: /a: permission denied: choose a place that you may read and write\n",
        ),
        (
            ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn"),
            2,
            "Error: the package torch is not installed: run `pip install 'relume[zoo]'`\n",
        ),
    ],
)
def test_a_persons_mistake_is_one_line_and_a_code(error, code, line):
    result = command_raising(error)
    assert (result.exit_code, result.stderr, result.stdout) == (code, line, "")


@pytest.mark.parametrize("error", [ValueError("bug"), OSError(errno.EIO, "x"), OSError("text")])
def test_our_own_mistakes_stay_tracebacks(error):
    assert command_raising(error).exception is error


def test_a_missing_module_of_ours_stays_a_traceback():
    error = ModuleNotFoundError("No module named 'degrade.x'", name="degrade.x")
    assert isinstance(command_raising(error).exception, ModuleNotFoundError)


def test_commands_keep_their_order_and_are_not_imported_for_help():
    @click.group(
        cls=LazyGroup,
        commands_from={
            "z": ("no.such.module:x", "Last letter."),
            "a": ("no.such:x", "First."),
        },
    )
    def main():
        pass

    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert result.stdout.index("Last letter.") < result.stdout.index("First.")


def test_an_unknown_command_is_wrong_use():
    result = command_raising(None)
    assert result.exit_code != 2
    from degrade.cli import main

    result = CliRunner().invoke(main, ["bild"])
    assert result.exit_code == 2
    assert "No such command 'bild'" in result.stderr


def test_progress_is_plain_lines_on_standard_error_when_it_is_no_terminal(capsys):
    assert list(progress([1, 2, 3], "reading", "file")) == [1, 2, 3]
    reported = capsys.readouterr()
    assert reported.out == ""
    assert reported.err.startswith("reading: 3/3 files, ")
    assert reported.err.count("\n") == 1
    assert "\r" not in reported.err


def test_progress_of_nothing_says_nothing(capsys):
    assert list(progress([], "reading")) == []
    assert capsys.readouterr().err == ""


def test_progress_speaks_every_few_seconds_only(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Progress(None, "reading") as printed:
        for _ in range(24):
            now[0] += 1
            printed.advance()
    lines = capsys.readouterr().err.splitlines()
    assert 4 <= len(lines) <= 5
    assert lines[-1] == "reading: 24 images, 1.0 images/s"


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress(range(3), "reading")) == [0, 1, 2]
    reported = capsys.readouterr()
    assert reported.out == ""
    assert "reading: " in reported.err


def test_lines_tell_the_time_left_at_the_rate_of_this_run_alone(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Progress(None, "building", "pair") as printed:
        printed.begin_at(1000, 20000)
        for _ in range(7):
            now[0] += 1
            printed.advance(2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "building: 1012/20000 pairs, 2.0 pairs/s, 2:38 h left"
    assert lines[-1] == "building: 1014/20000 pairs, 2.0 pairs/s, 2:38 h left"


def test_a_bar_begins_where_an_earlier_run_ended(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with Progress(9, "building", "pair") as printed:
        printed.begin_at(6, 12)
    assert "6/12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (60, "1:00 min"), (3599.6, "1:00 h")]
)
def test_times_are_told_as_people_do(seconds, text):
    assert _duration(seconds) == text


def test_ctrl_c_inside_compiled_code_is_still_an_interrupt():
    with pytest.raises(UserError, match="interrupted"), resume_hint():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            raise SystemError("a function returned a result with an exception set") from interrupt
    with pytest.raises(SystemError, match="other"), resume_hint():
        raise SystemError("other")


def test_a_plain_line_ends_with_the_last_note(capsys):
    with Progress(3, "training", "step") as printed:
        printed.advance(1, "l1 0.5")
        printed.advance()
    assert capsys.readouterr().err.endswith("steps/s, 0 s left, l1 0.5\n")
