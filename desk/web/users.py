"""The people who may sign in at the desk: names, roles and hashed passwords, in the control topic as API keys are."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from desk.api.keys import Records
from desk.api.roles import Role
from schemas.errors import CreditPulseError, InvalidInput
from streams.archive.errors import NotFound

KIND = "desk-user"
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
_LONGEST_NAME = 64
# scrypt as OWASP asks for it: 32 MB and about a tenth of a second for each try.
_COST, _BLOCK, _PARALLEL, _MEMORY = 2**15, 8, 3, 128 * 1024 * 1024


class SignInRefused(CreditPulseError):
    """Nobody was let in; ``code`` names the text that says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class User:
    """A person as acts and pages name them. ``source``: where the role comes from; that of a ``password`` user is
    looked up again for each act, an identity provider's (``oidc``) holds for the session, ``demo`` never signed in."""

    name: str
    role: Role
    source: Literal["password", "oidc", "demo"] = "password"


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A user as it may be shown."""

    name: str
    role: Role
    created: datetime


async def add_user(records: Records, name: str, role: Role, password: str, *, now: datetime | None = None) -> UserInfo:
    """Make a user.

    Raises:
        InvalidInput: the name is not usable or taken, the password too short or too long.
        Unavailable: it could not be written.
    """
    if not (1 <= len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()):
        raise InvalidInput("name", f"name must have 1 to {_LONGEST_NAME} printable characters", field="name")
    if records.get(KIND, name) is not None:
        raise InvalidInput("name_taken", f"there is a user named {name!r} already", field="name")
    value = {
        "role": role.value,
        "password": await _hashed(_checked(password)),
        "created": (now or datetime.now(UTC)).isoformat(),
    }
    await records.put(KIND, name, value)
    return _info(name, value)


async def change_user(
    records: Records, name: str, *, role: Role | None = None, password: str | None = None
) -> UserInfo:
    """Give a user another role or password, and say what he is now; raises NotFound, InvalidInput, Unavailable."""
    value = dict(_value(records, name))
    if role is not None:
        value["role"] = role.value
    if password is not None:
        value["password"] = await _hashed(_checked(password))
    await records.put(KIND, name, value)
    return _info(name, value)


async def remove_user(records: Records, name: str) -> None:
    """Take a user's access; raises NotFound, Unavailable."""
    _value(records, name)
    await records.delete(KIND, name)


def list_users(records: Records) -> list[UserInfo]:
    """All users by name."""
    return sorted((_info(name, value) for name, value in records.all(KIND).items()), key=lambda user: user.name)


def user_of(records: Records, name: str) -> User | None:
    """The user as he stands now, or None: access ends when he is removed, not when his session does."""
    value = records.get(KIND, name)
    return None if value is None else User(name, Role(value["role"]))


async def check_password(records: Records, name: str, password: str) -> User | None:
    """The user whose name and password these are. An unknown name takes as long as a wrong password."""
    value = records.get(KIND, name)
    stored = value["password"] if value is not None else _NOBODY
    right = await asyncio.to_thread(_matches, stored, password[:LONGEST_PASSWORD])
    return user_of(records, name) if right and value is not None else None


def _checked(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        message = f"password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
        raise InvalidInput("password", message, field="password")
    return password


async def _hashed(password: str) -> str:
    return await asyncio.to_thread(_hash, password, secrets.token_bytes(16))


def _hash(password: str, salt: bytes) -> str:
    key = hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=_MEMORY)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${_text(salt)}${_text(key)}"


def _matches(stored: str, password: str) -> bool:
    _, cost, block, parallel, salt, key = stored.split("$")
    wanted = base64.b64decode(key)
    found = hashlib.scrypt(
        password.encode(), salt=base64.b64decode(salt), n=int(cost), r=int(block), p=int(parallel), maxmem=_MEMORY,
        dklen=len(wanted),
    )  # fmt: skip
    return hmac.compare_digest(found, wanted)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


# A hash that no password has: for names that nobody has.
_NOBODY = f"scrypt${_COST}${_BLOCK}${_PARALLEL}${_text(bytes(16))}${_text(bytes(64))}"


def _value(records: Records, name: str) -> dict[str, Any]:
    value = records.get(KIND, name)
    if value is None:
        raise NotFound(f"there is no user {name!r}")
    return value


def _info(name: str, value: Mapping[str, Any]) -> UserInfo:
    return UserInfo(name, Role(value["role"]), datetime.fromisoformat(value["created"]))
