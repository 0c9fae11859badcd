"""``archive.json``: whole or absent, and believed only when the archive itself answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from streams.archive.address import Address, find_running, read_address, remove_address, write_address
from streams.embedded.broker import free_port
from streams.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data directory that is not there yet."""
    return Settings(_env_file=None, data_dir=tmp_path / "data")


def test_written_and_removed(settings: Settings) -> None:
    """The file tells URL and process, and nothing stays behind."""
    address = write_address(settings, 1234)
    assert address == Address("http://127.0.0.1:1234", os.getpid())
    assert json.loads((settings.data_dir / "archive.json").read_text()) == {"url": address.url, "pid": address.pid}
    assert read_address(settings) == address
    remove_address(settings, address)
    assert list(settings.data_dir.iterdir()) == []


def test_another_archives_file_stays(settings: Settings) -> None:
    """Who stops late does not take away the file of who came after."""
    ours = write_address(settings, 1234)
    theirs = write_address(settings, 4321)
    remove_address(settings, ours)
    assert read_address(settings) == theirs


@pytest.mark.parametrize(("host", "url"), [("::", "http://[::1]:1"), ("10.0.0.7", "http://10.0.0.7:1")])
def test_address_of_every_host(tmp_path: Path, host: str, url: str) -> None:
    """Listening on all addresses is told as the local one; IPv6 stands in brackets."""
    assert write_address(Settings(_env_file=None, data_dir=tmp_path, web_host=host), 1).url == url


@pytest.mark.parametrize("content", ["", "{", "[]", '{"url": 1}', '{"url": "x", "pid": "y"}'])
def test_unreadable_file_is_none(settings: Settings, content: str) -> None:
    """A file that is not ours, or half of one, is no address."""
    settings.data_dir.mkdir()
    (settings.data_dir / "archive.json").write_text(content)
    assert read_address(settings) is None


async def test_stale_file(settings: Settings) -> None:
    """The file of an archive that was killed leads nowhere."""
    assert await find_running(settings) is None
    write_address(settings, free_port())
    assert await find_running(settings) is None
