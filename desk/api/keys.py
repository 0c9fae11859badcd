"""API keys: made and revoked by people, kept as hashes only, the same for every process of the API."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from desk.api.roles import Role
from schemas.errors import InvalidInput
from streams.archive.errors import NotFound

KIND = "api-key"
_PREFIX = "cpk"
_ID_BYTES, _SECRET_BYTES = 6, 32
_LONGEST_NAME = 64


class Records(Protocol):
    """What is needed of ``streams.control.Control``."""

    def get(self, kind: str, record_id: str) -> dict[str, Any] | None:
        """A record, or None."""

    def all(self, kind: str) -> Mapping[str, dict[str, Any]]:
        """All records of a kind."""

    async def put(self, kind: str, record_id: str, value: dict[str, Any]) -> None:
        """Write a record."""

    async def delete(self, kind: str, record_id: str) -> None:
        """Delete a record."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the key's id and name, and what it may do."""

    key_id: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as it may be shown."""

    key_id: str
    name: str
    role: Role
    created: datetime
    expires: datetime | None


async def create_key(
    records: Records, name: str, role: Role, *, now: datetime | None = None, expires: datetime | None = None
) -> tuple[str, KeyInfo]:
    """A new key: its text, which is told this once, and what is kept of it.

    Raises:
        InvalidInput: the name is empty, too long, not printable or taken; the key would have expired already.
        Unavailable: it could not be written.
    """
    now = now or datetime.now(UTC)
    if not (1 <= len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise InvalidInput("name", f"name must have 1 to {_LONGEST_NAME} printable characters", field="name")
    if any(value["name"] == name for value in records.all(KIND).values()):
        raise InvalidInput("name_taken", f"there is a key named {name!r} already", field="name")
    if expires is not None and expires <= now:
        raise InvalidInput("expires", f"expires {expires.isoformat()} has passed already", field="expires")
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    value = {
        "name": name,
        "role": role.value,
        "sha256": _digest(secret),
        "created": now.isoformat(),
        "expires": None if expires is None else expires.isoformat(),
    }
    await records.put(KIND, key_id, value)
    return f"{_PREFIX}_{key_id}_{secret}", _info(key_id, value)


def list_keys(records: Records) -> list[KeyInfo]:
    """All keys, oldest first."""
    return sorted((_info(key_id, value) for key_id, value in records.all(KIND).items()), key=lambda key: key.created)


async def revoke_key(records: Records, key_id: str) -> None:
    """Take a key back; raises NotFound."""
    if records.get(KIND, key_id) is None:
        raise NotFound(f"there is no key {key_id!r}")
    await records.delete(KIND, key_id)


def caller_of(records: Records, token: str, *, now: datetime | None = None) -> Caller | None:
    """Whose key this is; None when it is nobody's, or has expired.

    The secret has 256 random bits, so one round of SHA-256 keeps it: there is nothing to guess.
    """
    prefix, _, rest = token.partition("_")
    key_id, _, secret = rest.partition("_")
    value = records.get(KIND, key_id) if prefix == _PREFIX and secret else None
    if value is None or not hmac.compare_digest(value["sha256"], _digest(secret)):
        return None
    found = Caller(key_id, value["name"], Role(value["role"]))
    return found if is_valid(records, found, now=now or datetime.now(UTC)) else None


def is_valid(records: Records, who: Caller, *, now: datetime) -> bool:
    """Whether a caller's key is still his, with the same role: not revoked and not expired."""
    value = records.get(KIND, who.key_id)
    if value is None:
        return False
    info = _info(who.key_id, value)
    return info.role is who.role and (info.expires is None or info.expires > now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _info(key_id: str, value: Mapping[str, Any]) -> KeyInfo:
    expires = value.get("expires")
    return KeyInfo(
        key_id,
        str(value["name"]),
        Role(value["role"]),
        datetime.fromisoformat(value["created"]),
        None if expires is None else datetime.fromisoformat(expires),
    )
