"""API keys: kept as hashes, told once, refused when wrong, revoked or expired."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from desk.api.keys import Caller, caller_of, create_key, list_keys, revoke_key
from desk.api.roles import Role
from schemas.errors import InvalidInput
from streams.archive.errors import NotFound
from tests.unit.desk.api.in_memory import Records

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_key_tells_who_calls_and_is_not_kept() -> None:
    records = Records()
    token, info = await create_key(records, "erp-eu", Role.ORDER_ENTRY, now=NOW)
    assert caller_of(records, token, now=NOW) == Caller(info.key_id, "erp-eu", Role.ORDER_ENTRY)
    secret = token.split("_", 2)[2]
    assert len(secret) >= 43
    assert secret not in json.dumps(records.kept)


async def test_every_changed_character_is_refused() -> None:
    records = Records()
    token, _ = await create_key(records, "erp", Role.READER, now=NOW)
    for at in range(len(token)):
        other = "A" if token[at] != "A" else "B"
        assert caller_of(records, token[:at] + other + token[at + 1 :], now=NOW) is None
    for nonsense in ("", "cpk", "cpk__", token[:-1], token + "A", f"{token} "):
        assert caller_of(records, nonsense, now=NOW) is None


async def test_a_key_ends_when_it_expires_or_is_revoked() -> None:
    records = Records()
    until = NOW + timedelta(days=1)
    short, _ = await create_key(records, "a", Role.READER, now=NOW, expires=until)
    long, info = await create_key(records, "b", Role.ADMIN, now=NOW)
    assert caller_of(records, short, now=until - timedelta(seconds=1)) is not None
    assert caller_of(records, short, now=until) is None
    await revoke_key(records, info.key_id)
    assert caller_of(records, long, now=NOW) is None
    assert [key.name for key in list_keys(records)] == ["a"]
    with pytest.raises(NotFound):
        await revoke_key(records, info.key_id)


@pytest.mark.parametrize("name", ["", " a", "a\n", "x" * 65, "taken"])
async def test_names_that_cannot_be_used_are_refused(name: str) -> None:
    records = Records()
    await create_key(records, "taken", Role.READER, now=NOW)
    with pytest.raises(InvalidInput) as refused:
        await create_key(records, name, Role.READER, now=NOW)
    assert refused.value.field == "name"
    assert len(list_keys(records)) == 1


async def test_a_key_cannot_be_made_expired() -> None:
    with pytest.raises(InvalidInput, match="has passed"):
        await create_key(Records(), "a", Role.READER, now=NOW, expires=NOW)


def test_each_role_holds_those_before_it() -> None:
    order = list(Role)
    for role in order:
        assert [other for other in order if role.holds(other)] == order[: order.index(role) + 1]
