"""What is told of a program of ours that has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from streams.embedded.guard import Child

LOG = """\
2026-11-26T16:29:08.000Z INFO faust.worker: starting
2026-11-26T16:29:08.408Z ERROR faust.worker: [^Worker]: Error
Traceback (most recent call last):
OSError: [Errno 98] address already in use
2026-11-26T16:29:08.410Z INFO faust.agents: Stopping...
2026-11-26T16:29:08.411Z DEBUG faust.worker: Closing event loop
"""


def _child(log: Path) -> Child:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return Child("gate", process, log)


def test_why_it_ended_is_not_buried_under_the_steps_of_its_ending(tmp_path: Path) -> None:
    log = tmp_path / "gate.log"
    log.write_text(LOG)
    child = _child(log)
    assert child.complaints().splitlines() == LOG.splitlines()[1:4]
    assert child.complaints(1) == "OSError: [Errno 98] address already in use"
    assert child.last_lines(1) == LOG.splitlines()[-1]


def test_who_did_not_complain_is_told_whole(tmp_path: Path) -> None:
    log = tmp_path / "gate.log"
    log.write_text("2026-11-26T16:29:08.000Z INFO faust.worker: starting\n")
    assert _child(log).complaints() == "2026-11-26T16:29:08.000Z INFO faust.worker: starting"
    assert _child(tmp_path / "none.log").complaints() == ""
