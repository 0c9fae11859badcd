"""Read a text file that a person has written and named."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import InvalidInput


def read_text(path: Path, code: str) -> str:
    """The text; raises InvalidInput with this code, and why, for a file that cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(code, f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(code, f"{path}: is not UTF-8 text: {error}") from error
