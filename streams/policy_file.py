"""Read the policy that a process starts with."""

from __future__ import annotations

from pathlib import Path

from models.policy import default_policy_text, parse_policy
from schemas.errors import InvalidInput


def policy_text(path: Path | None) -> str:
    """The text of a policy file, validated; the default policy without one. Raises InvalidInput."""
    if path is None:
        return default_policy_text()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("policy_unreadable", f"{path}: {error}") from error
    parse_policy(text, str(path))
    return text
