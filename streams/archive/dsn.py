"""Read the ClickHouse DSN of the settings: which engine or server, which database, with or without TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from schemas.errors import InvalidInput
from streams.settings import Settings

_FORMS = "chdb:///absolute/path or clickhouse[s]://user@host:port/database"
_DATABASE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
_NATIVE_PORTS = (9000, 9440)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the archive is: ``path`` for the engine in our process, else a server spoken to by HTTP(S)."""

    database: str
    path: Path | None = None
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    label: str = ""

    @property
    def embedded(self) -> bool:
        """Whether the engine runs in our process; then one process at a time may open it."""
        return self.path is not None


def _invalid(message: str) -> InvalidInput:
    return InvalidInput("clickhouse_dsn", f"CREDITPULSE_CLICKHOUSE_DSN: {message}", field="clickhouse_dsn")


def _database(name: str) -> str:
    if not _DATABASE.match(name):
        raise _invalid(f"{name!r} is no database name (letters, digits, underscore)")
    return name


def parse_dsn(settings: Settings) -> Target:
    """The target that the settings name.

    clickhouse-connect ignores the scheme of a DSN (and would talk plain HTTP to a TLS port), so host, port and
    TLS are taken apart here and handed over one by one. ``clickhouse://`` is plain HTTP, ``clickhouses://`` is
    HTTPS with the certificate verified, against ``clickhouse_ca_file`` if there is one.

    Raises:
        InvalidInput: the DSN is not of one of the two forms, or holds a password.
    """
    url = urlsplit(settings.clickhouse_dsn or f"chdb://{(settings.data_dir / 'clickhouse').resolve()}")
    if url.scheme == "chdb":
        return _embedded(url.netloc, unquote(url.path), url.query)
    if url.scheme not in ("clickhouse", "clickhouses") or not url.hostname:
        raise _invalid(f"must look like {_FORMS}")
    if url.password is not None:
        raise _invalid("holds a password: give it as CREDITPULSE_CLICKHOUSE_PASSWORD")
    if url.query or url.fragment:
        raise _invalid("takes no parameters after the database")
    secure = url.scheme == "clickhouses"
    try:
        port = url.port or (8443 if secure else 8123)
    except ValueError:
        raise _invalid("the port is no number") from None
    if port in _NATIVE_PORTS:
        raise _invalid(f"port {port} is ClickHouse's native protocol; use its HTTP port (8123, with TLS 8443)")
    return Target(
        database=_database(unquote(url.path.strip("/")) or "default"),
        options=_server_options(settings, url.hostname, port, unquote(url.username or "default"), secure),
        label=f"{url.scheme}://{url.hostname}:{port}",
    )


def _embedded(netloc: str, path: str, query: str) -> Target:
    parameters = parse_qs(query)
    if netloc or not path.startswith("/") or set(parameters) - {"database"}:
        raise _invalid(f"must look like {_FORMS}")
    database = _database(parameters.get("database", ["default"])[0])
    return Target(database=database, path=Path(path), label=f"chdb://{path}")


def _server_options(settings: Settings, host: str, port: int, user: str, secure: bool) -> dict[str, Any]:
    password = settings.clickhouse_password
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "username": user,
        "password": password.get_secret_value() if password else "",
        "interface": "https" if secure else "http",
        "secure": secure,
        "autogenerate_session_id": False,
        "connect_timeout": 5,
        "send_receive_timeout": 60,
        "client_name": "creditpulse-archive",
    }
    if secure:
        options["verify"] = True
        if settings.clickhouse_ca_file:
            options["ca_cert"] = str(settings.clickhouse_ca_file)
    return options
