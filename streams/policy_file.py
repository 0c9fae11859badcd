"""Read the policy that a process starts with."""

from __future__ import annotations

import logging
from pathlib import Path

from models.policy import default_policy_text, layered_policy
from models.policy_check import dead_settings
from models.policy_layers import LayeredPolicy
from models.policy_text import PACKS
from schemas.errors import InvalidInput
from streams.text_file import read_text

_LOG = logging.getLogger(__name__)


def policy_text(path: Path | None) -> str:
    """The text of a policy file, validated; the default policy without one. Raises InvalidInput.

    Settings without effect are worth a warning in the log.
    """
    if path is None:
        return default_policy_text()
    text = read_text(path, "policy_unreadable")
    dead = dead_settings(layered_policy(text, str(path)))
    if dead:
        _LOG.warning("%d settings have no effect, see `creditpulse policy check`; the first: %s", len(dead), dead[0])
    return text


def named_policy(name: str) -> str:
    """The text of a policy that is named on a command line: a pack's name, ``default``, or a file. Raises InvalidInput.

    A pack wins over a file of the same name: write ./NAME for the file.
    """
    if name == "default":
        return default_policy_text()
    if name in PACKS:
        return f"pack: {name}\nversion: {name}\n"
    if not Path(name).is_file():
        known = ", ".join(["default", *PACKS])
        raise InvalidInput("policy_unknown", f"{name}: neither a file nor one of {known}", "policy")
    return policy_text(Path(name))


def read_policy(path: Path) -> LayeredPolicy:
    """A policy file with all its layers. Raises InvalidInput."""
    return layered_policy(read_text(path, "policy_unreadable"), str(path))
