"""The ClickHouse DSN: two forms, nothing guessed, no password in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import InvalidInput
from streams.archive.dsn import Target, parse_dsn
from streams.settings import Settings


def _target(dsn: str, **settings: Any) -> Target:
    return parse_dsn(Settings(_env_file=None, clickhouse_dsn=dsn, **settings))


def test_chdb() -> None:
    """chdb:// names an absolute directory, and a database if asked."""
    assert _target("chdb:///var/lib/x") == Target("default", Path("/var/lib/x"), {}, "chdb:///var/lib/x")
    assert _target("chdb:///x?database=book").database == "book"


def test_server_by_http() -> None:
    """clickhouse:// is HTTP on port 8123; the password comes from its own setting and shows nowhere."""
    target = _target("clickhouse://me@db/book", clickhouse_password="s3cret")
    assert (target.embedded, target.database, target.label) == (False, "book", "clickhouse://db:8123")
    options = {name: target.options[name] for name in ("host", "port", "username", "password", "secure")}
    assert options == {"host": "db", "port": 8123, "username": "me", "password": "s3cret", "secure": False}
    assert "s3cret" not in repr(target)


def test_server_by_tls() -> None:
    """clickhouses:// is HTTPS on port 8443, verified, against our own authority if one is given."""
    target = _target("clickhouses://db", clickhouse_ca_file="/ca.pem")
    options = {name: target.options[name] for name in ("port", "interface", "secure", "verify", "ca_cert")}
    assert options == {"port": 8443, "interface": "https", "secure": True, "verify": True, "ca_cert": "/ca.pem"}


@pytest.mark.parametrize(
    ("dsn", "why"),
    [
        ("chdb://relative/path", "must look like"),
        ("chdb:///x?user=me", "must look like"),
        ("chdb:///x?database=a-b", "no database name"),
        ("http://db", "must look like"),
        ("clickhouse://", "must look like"),
        ("clickhouse://me:pw@db", "CREDITPULSE_CLICKHOUSE_PASSWORD"),
        ("clickhouse://db:9000", "native protocol"),
        ("clickhouse://db:x", "no number"),
        ("clickhouse://db/a;drop", "no database name"),
        ("clickhouse://db/a?secure=1", "no parameters"),
    ],
)
def test_anything_else_is_refused(dsn: str, why: str) -> None:
    """A DSN that would be understood differently from what was meant is refused, and the message names the setting."""
    with pytest.raises(InvalidInput, match=why) as caught:
        _target(dsn)
    assert caught.value.message.startswith("CREDITPULSE_CLICKHOUSE_DSN: ")
