"""The progress bar of long commands: on a terminal only, and on stderr, so that stdout stays for results."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress_bar() -> Progress:
    """A bar, to be used as a context manager; shows nothing where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )


class ProgressLines:
    """Progress for a program that reads our stderr: a line ``DONE/TOTAL`` for each percent."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._told = total, 0, -1

    def advance(self) -> None:
        """One more."""
        self._done += 1
        percent = self._done * 100 // max(1, self._total)
        if percent > self._told:
            self._told = percent
            print(f"{min(self._done, self._total)}/{self._total}", file=sys.stderr, flush=True)  # noqa: T201
