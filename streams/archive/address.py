"""Where the running archive answers: ``archive.json`` in the data directory, written by it, found by readers."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from streams.archive.status import SERVICE
from streams.settings import Settings

_ASK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Address:
    """What the file says."""

    url: str
    pid: int


def _path(settings: Settings) -> Path:
    return settings.data_dir / "archive.json"


def write_address(settings: Settings, port: int) -> Address:
    """Tell readers where we answer; the file appears whole or not at all."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.web_host, settings.web_host)  # noqa: S104 (compared)
    address = Address(f"http://{f'[{host}]' if ':' in host else host}:{port}", os.getpid())
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{address.pid}")
    draft.write_text(json.dumps({"url": address.url, "pid": address.pid}) + "\n", encoding="utf-8")
    draft.replace(path)
    return address


def remove_address(settings: Settings, ours: Address) -> None:
    """Take our file away; another archive's stays."""
    if read_address(settings) == ours:
        _path(settings).unlink(missing_ok=True)


def read_address(settings: Settings) -> Address | None:
    """What the file says, if there is one that can be read. Whether somebody answers there is another question."""
    try:
        content = json.loads(_path(settings).read_text(encoding="utf-8"))
        return Address(str(content["url"]), int(content["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def find_running(settings: Settings) -> Address | None:
    """The archive that answers now, or None.

    The file of an archive that was killed stays behind, and its port may be another program's by now: only who
    answers with the service's name and the process id of the file is meant.
    """
    address = read_address(settings)
    if address is None:
        return None
    timeout = aiohttp.ClientTimeout(total=_ASK_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{address.url}/health") as answer:
            told = await answer.json()
            same = told.get("service") == SERVICE and told.get("pid") == address.pid
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, AttributeError):
        return None
    return address if same else None
