"""The folder that ``--out`` names: made before long work begins, and what fails in it told as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import InvalidInput


def make_folder(out: Path) -> None:
    """Make it, unless it is there; raises InvalidInput."""
    with writing_below(out):
        out.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing_below(out: Path) -> Iterator[None]:
    """Raises InvalidInput for a file that cannot be written (a full disk, a folder of that name, no right to)."""
    try:
        yield
    except OSError as error:
        message = f"--out {out}: cannot write {error.filename or 'there'}: {error.strerror or error}"
        raise InvalidInput("out_unusable", message, "out") from error
