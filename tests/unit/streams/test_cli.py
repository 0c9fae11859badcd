"""The command line: every command shows how it is used, and errors become messages and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from schemas.errors import CreditPulseError, InvalidInput, Unavailable, UnsupportedVersion
from streams.cli import main
from streams.commands.show import print_json
from streams.settings import Settings

_CONTEXT = click.Context(main)


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(_CONTEXT):
        command = group.get_command(_CONTEXT, name)
        assert command is not None, name
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


COMMANDS = sorted(_commands(main))
SERVICES = {("api",), ("desk",), ("dispatch",), ("worker",)}
"""They run until told to stop: there is no outcome that a program could read."""


def _command(path: tuple[str, ...]) -> click.Command:
    command: click.Command | None = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(_CONTEXT, name)
    assert command is not None
    return command


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_of_every_command_has_an_example(path: tuple[str, ...], option: str) -> None:
    """Help says what the command does and how it is called; a group shows it for the commands in it."""
    done = CliRunner().invoke(main, [*path, option])
    assert done.exit_code == 0, done.output
    is_group = any(other[: len(path)] == path != other for other in COMMANDS)
    assert is_group or f"creditpulse {' '.join(path)}" in done.output.split("Example", 1)[-1]
    assert is_group or "Example" in done.output


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_exit_code_is_explained(path: tuple[str, ...]) -> None:
    """Who calls it from a script learns what its end means, and what each option does."""
    command = _command(path)
    assert isinstance(command, click.Group) or "Exit codes: 0 " in (command.help or "")
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_program_may_read_what_every_command_says(path: tuple[str, ...]) -> None:
    """All but services, which end when they are told to, print JSON when asked for it."""
    command = _command(path)
    has_json = any("--json" in option.opts for option in command.params)
    assert has_json or isinstance(command, click.Group) or path in SERVICES


def test_json_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the locale can show, and whatever bytes a name on the command line had."""
    print_json({"name": "深圳", "argument": "\udcff"})
    said = capsys.readouterr().out
    assert said.isascii()
    assert said.count("\n") == 1
    assert json.loads(said) == {"name": "深圳", "argument": "\udcff"}


def test_schemas_are_written_or_named_as_stale(tmp_path: Path) -> None:
    """With --check nothing is written and the end is 1; else all that was stale is, and the next time nothing."""
    call = ["schemas", "--out", str(tmp_path / "out"), "--json"]
    stale = CliRunner().invoke(main, [*call, "--check"])
    told = json.loads(stale.stdout)
    assert (stale.exit_code, told["written"], (tmp_path / "out").exists()) == (1, [], False)
    assert "asyncapi.json" in told["stale"]
    assert "stale: " in stale.stderr
    written = json.loads(CliRunner().invoke(main, call).stdout)
    assert written == {"folder": str(tmp_path / "out"), "stale": [], "written": told["stale"]}
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(told["stale"])
    again = CliRunner().invoke(main, [*call, "--check"])
    assert (again.exit_code, json.loads(again.stdout)["stale"]) == (0, [])


def test_the_commands_of_packages_further_right_are_found() -> None:
    """demo and customer are not part of streams, and are there all the same."""
    names = {path[0] for path in COMMANDS}
    assert {"archive", "backtest", "dead-letters", "demo", "customer", "import", "replay", "worker"} <= names
    for name in names:
        assert f"\n  {name} " in CliRunner().invoke(main, ["--help"]).output


def test_the_way_to_begin_is_shown() -> None:
    """Who calls it without a command learns how to start."""
    assert "creditpulse demo" in CliRunner().invoke(main, ["--help"]).output


def test_version_is_told() -> None:
    """--version ends well and names the version."""
    done = CliRunner().invoke(main, ["--version"])
    assert done.exit_code == 0
    assert "0." in done.output


@pytest.mark.parametrize(
    "words", [["guess"], ["worker", "--log-level", "loud"], ["api", "--port", "99999"], ["replay"]]
)
def test_a_wrong_call_is_wrong_input(words: list[str]) -> None:
    """An unknown command or option, or a missing argument, ends with 2 and says so."""
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["models", "promote", "A", "quick", "--by", ""], "'--by': must have 1 to 200 printable characters"),
        (["models", "promote", "A", "quick", "--by", "a\nb"], "'--by': must have 1 to 200 printable characters"),
        (["subscriptions", "pause", "sub-1", "--reason", "b\udcffd"], "'--reason': must have 1 to 200 printable"),
        (["subscriptions", "replay", "s", "--customer", "b\udcffd", "--from-sequence", "1"], "'--customer': must have"),
        (["subscriptions", "rotate", "sub-1", "--overlap-hours", "nan"], "nan is not in the range 0<=x<=2160"),
        (["subscriptions", "rotate", "sub-1", "--overlap-hours", "inf"], "inf is not in the range 0<=x<=2160"),
        (["backtest", __file__, "--out", "x", "--margin", "nan"], "nan is not in the range 0<=x<=1"),
        (["import", __file__, "--out", "x", "--currency", "QQQ"], "--currency QQQ: no ISO 4217 currency"),
        (["alerts", "grade", "--from", "2026-02-01", "--to", "2026-01-01"], "--from 2026-02-01 is after --to"),
        (["alerts", "routing", "check", "nowhere.yaml"], "File 'nowhere.yaml' does not exist"),
    ],
)
def test_a_wrong_value_is_wrong_input(words: list[str], told: str) -> None:
    """What could not be kept, sent or counted with ends with 2 before anything is asked or done."""
    done = CliRunner().invoke(main, words, env={"CREDITPULSE_BROKER": "kafka://127.0.0.1:1"})
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert told in " ".join(done.stderr.split())


def _failing(error: Exception) -> click.Group:
    """Our group with a command that raises the error."""

    @click.command()
    def fail() -> None:
        raise error

    group = type(main)("creditpulse")
    group.get_command = lambda ctx, name: fail  # type: ignore[method-assign, assignment]
    return group


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("bad", "amount: is negative", "amount"), 2),
        (CreditPulseError("the disk is full"), 1),
        (Unavailable("no broker answers"), 1),
        (UnsupportedVersion("written by a newer creditpulse"), 1),
    ],
)
def test_our_errors_are_messages_and_exit_codes(error: CreditPulseError, code: int) -> None:
    """What to correct ends with 2, what to try again with 1; stderr has one line, without a traceback."""
    done = CliRunner().invoke(_failing(error), ["fail"])
    assert done.exit_code == code
    assert done.stderr == f"creditpulse: {error}\n"
    assert done.stdout == ""


def test_a_bug_is_not_hidden() -> None:
    """An error that is none of ours keeps its traceback."""
    done = CliRunner().invoke(_failing(ZeroDivisionError("a bug")), ["fail"])
    assert isinstance(done.exception, ZeroDivisionError)


@pytest.mark.parametrize("words", [["worker"], ["archive"], ["topics", "list"], ["dead-letters", "list"]], ids=" ".join)
def test_wrong_settings_are_wrong_input(words: list[str]) -> None:
    """Each wrong variable is named on a line of its own, and nothing is started."""
    wrong = {"CREDITPULSE_PARTITIONS": "many", "CREDITPULSE_BROKER": "nowhere"}
    done = CliRunner().invoke(main, words, env=wrong)
    assert done.exit_code == 2, done.output
    lines = done.stderr.splitlines()
    assert sorted(line.split(":")[1].strip() for line in lines) == sorted(wrong)
    assert all(line.startswith("creditpulse: CREDITPULSE_") for line in lines)


@pytest.mark.parametrize("role", ["both", "gate", "engine"])
def test_a_policy_that_cannot_be_read_starts_no_worker(role: str, tmp_path: Path) -> None:
    """A supervisor does not start roles over and over that can only end."""
    wrong = {"CREDITPULSE_POLICY_FILE": str(tmp_path / "none.yaml"), "CREDITPULSE_DATA_DIR": str(tmp_path / "data")}
    done = CliRunner().invoke(main, ["worker", "--role", role], env=wrong)
    assert (done.exit_code, done.stderr) == (2, f"creditpulse: {tmp_path / 'none.yaml'}: No such file or directory\n")
    assert not (tmp_path / "data").exists()


def test_a_validation_error_of_something_else_is_a_bug() -> None:
    """Only settings are the caller's to mend; another contract that fails keeps its traceback."""

    class Other(Settings):
        """Settings by another name."""

    @click.command()
    def fail() -> None:
        Other(partitions=0)

    group = type(main)("creditpulse")
    group.get_command = lambda ctx, name: fail  # type: ignore[method-assign, assignment]
    assert CliRunner().invoke(group, ["fail"]).exit_code == 1


def test_the_list_of_commands_waits_for_no_heavy_library() -> None:
    """Models, pages and statistics are imported by the commands that need them, when they run."""
    program = (
        "import sys; from streams.cli import main; main(['--help'], standalone_mode=False); "
        "print([name for name in ('river', 'nicegui', 'sklearn', 'scipy', 'chdb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
