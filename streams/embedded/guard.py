"""Child processes that never outlive us: the kernel kills them when we die, however we die."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Runs in the child between fork and its program. The parent may have died before prctl took effect: look again.
_LAUNCHER = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
if sys.platform == "linux":
    ctypes.CDLL(None, use_errno=True).prctl(1, int(signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""
_IN_PASSING = re.compile(r"\S+Z (DEBUG|INFO) ")
"""As ``streams.log_format`` writes them."""


@dataclass(slots=True)
class Child:
    """A running program of ours; ``log`` holds what it wrote to stdout and stderr."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.poll()

    def stop(self, timeout: float = 15.0) -> int:
        """Ask it to end, insist after ``timeout`` seconds, and return its exit code. Safe to call twice."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def kill(self) -> int:
        """End it at once, as a crash would, and return its exit code."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.wait()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log, for an error message."""
        return "\n".join(self._lines()[-count:])

    def complaints(self, count: int = 15) -> str:
        """The end of its log without what it told in passing: why it ended stands before the steps of its ending."""
        lines = self._lines()
        return "\n".join([line for line in lines if not _IN_PASSING.match(line)][-count:] or lines[-count:])

    def _lines(self) -> list[str]:
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []


def start_child(argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, name: str = "") -> Child:
    """Start a program in a session of its own; ``env`` is laid over our environment, output is added to ``log``.

    A session of its own: Ctrl-C in the terminal reaches us only, and we stop children in order. On Linux the
    kernel kills the child when the thread that called this ends: call it from the main thread. Elsewhere (macOS)
    only an orderly end and ``stop`` are covered.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, "-S", "-c", _LAUNCHER, str(os.getpid()), *argv]
    with log.open("ab") as output:
        process = subprocess.Popen(
            program,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    return Child(name or Path(argv[0]).name, process, log)
