"""Find the URL of a channel: in a variable of the environment, or in the file that NAME_FILE names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas.errors import InvalidInput


def channel_url(reference: str, environment: Mapping[str, str]) -> str:
    """The URL behind ``${NAME}``; raises InvalidInput, which tells the name and never the URL."""
    name = reference.removeprefix("${").removesuffix("}")
    if environment.get(name, "").strip():
        return environment[name].strip()
    path = environment.get(f"{name}_FILE", "")
    if not path:
        raise InvalidInput("channel_missing", f"the routing names ${{{name}}}: set {name} or {name}_FILE", name)
    try:
        url = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("channel_missing", f"{name}_FILE: {type(error).__name__}: {path}", name) from error
    if not url:
        raise InvalidInput("channel_missing", f"{name}_FILE: {path} is empty", name)
    return url
