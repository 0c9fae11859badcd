"""The demo as a user starts it, and the search for what it may have left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from streams.settings import Settings

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    """``creditpulse`` with these arguments, by the interpreter of the tests."""
    return [sys.executable, "-m", "streams.cli", *arguments]


def start(data_dir: Path, *arguments: str, out: Path) -> subprocess.Popen[bytes]:
    """Start a demo; what it prints goes to ``out``, its errors beside it."""
    with out.open("wb") as stdout, out.with_suffix(".err").open("wb") as stderr:
        return subprocess.Popen(
            command("demo", "--data-dir", str(data_dir), *arguments), stdout=stdout, stderr=stderr, cwd=ROOT
        )


def run(*arguments: str, timeout: float = 90.0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
    )


def belonging_to(data_dir: Path) -> set[int]:
    """Living processes that were started with this directory in their command or environment, except us."""
    found, wanted = set(), str(data_dir).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if wanted in known and state != "Z" and int(process.name) != os.getpid():
            found.add(int(process.name))
    return found


def settings_of(data_dir: Path) -> Settings:
    """Those of a running demo, as its parts were given them."""
    for process in belonging_to(data_dir):
        environment = Path(f"/proc/{process}/environ").read_bytes().decode().split("\0")
        given = dict(entry.split("=", 1) for entry in environment if entry.startswith("CREDITPULSE_"))
        if "CREDITPULSE_BROKER" in given:
            names: dict[str, Any] = {name.removeprefix("CREDITPULSE_").lower(): value for name, value in given.items()}
            return Settings(_env_file=None, **names)
    raise AssertionError(f"no part of the demo in {data_dir} runs")


def wait_for(text: str, out: Path, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Wait until the demo has printed the text; fails when it ends before."""
    deadline = time.monotonic() + seconds
    while text not in out.read_text(encoding="utf-8", errors="replace"):
        told = out.read_text(errors="replace") + out.with_suffix(".err").read_text(errors="replace")
        assert process.poll() is None, f"the demo ended with {process.poll()}:\n{told}"
        assert time.monotonic() < deadline, f"no {text!r} in time:\n{told}"
        time.sleep(0.1)


def wait_until_gone(data_dir: Path, seconds: float = 15.0) -> None:
    """Wait until no process of the demo lives; fails when one stays."""
    deadline = time.monotonic() + seconds
    while left := belonging_to(data_dir):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)
