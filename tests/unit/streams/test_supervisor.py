"""The supervisor: how a role is started, and when it is not started any more."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.supervisor import _RESTARTS, _WINDOW_SECONDS, _Role, worker_command


@pytest.mark.parametrize("role", ["gate", "engine"])
def test_a_role_is_a_worker_of_its_own(role: str) -> None:
    """The command runs this very Python, and the command line accepts every word of it."""
    python, dash_m, module, *words = worker_command(role, 6066, "DEBUG")
    assert (python, dash_m, module) == (sys.executable, "-m", "streams.cli")
    assert words[words.index("--role") + 1] == role
    assert words[words.index("--web-port") + 1] == "6066"
    assert words[words.index("--log-level") + 1] == "DEBUG"
    assert CliRunner().invoke(main, [*words, "--help"]).exit_code == 0


def test_a_role_that_keeps_ending_is_given_up() -> None:
    """So many starts within the window, and no more."""
    role = _Role("gate", 0)
    allowed = [role.may_restart(now=float(second)) for second in range(_RESTARTS + 2)]
    assert allowed == [True] * _RESTARTS + [False] * 2


def test_a_role_that_ends_now_and_then_is_started_for_ever() -> None:
    """What lies further back than the window is forgotten."""
    role = _Role("gate", 0)
    apart = _WINDOW_SECONDS / _RESTARTS
    assert all(role.may_restart(now=number * apart) for number in range(10 * _RESTARTS))
    assert len(role.restarts) <= _RESTARTS
