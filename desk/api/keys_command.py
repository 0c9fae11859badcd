"""``creditpulse api-keys``: make, list and revoke the keys of the API."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import click

from desk.api.keys import KeyInfo, create_key, list_keys, revoke_key
from desk.api.roles import Role
from streams.commands.options import json_option
from streams.commands.show import print_json, print_table, tell
from streams.control import Control
from streams.settings import Settings
from streams.topic_admin import ensure_topics


@click.group("api-keys")
def api_keys() -> None:
    """Keys by which other systems call the API. Only hashes of them are kept."""


@api_keys.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What it may do.")
@click.option("--days", type=click.IntRange(1, 3650), help="Expires after so many days (default: never).")
@json_option
def add(name: str, role: str, days: int | None, as_json: bool) -> None:
    """Make a key for NAME. It is shown this once.

    \b
    Example:  creditpulse api-keys add erp-eu --role order-entry --days 365
    Exit codes: 0 made; 1 no broker answers; 2 the name is taken or not usable.
    """

    async def make() -> tuple[str, KeyInfo]:
        settings, now = Settings(), datetime.now(UTC)
        await ensure_topics(settings)
        async with Control(settings) as control:
            expires = None if days is None else now + timedelta(days=days)
            return await create_key(control, name, Role(role), now=now, expires=expires)

    key, info = asyncio.run(make())
    if as_json:
        print_json({"key": key, **_shown(info)})
        return
    click.echo(key)
    click.echo(f"{info.name}, role {info.role.value}; keep it: it is not shown again", err=True)


@api_keys.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the keys; their texts are not kept.

    \b
    Example:  creditpulse api-keys list --json
    Exit codes: 0 done; 1 no broker answers.
    """

    async def read() -> list[KeyInfo]:
        async with Control(Settings()) as control:
            return list_keys(control)

    keys = asyncio.run(read())
    if as_json:
        print_json([_shown(key) for key in keys])
        return
    if not keys:
        click.echo("no keys: creditpulse api-keys add NAME --role ROLE")
        return
    rows = []
    for key in keys:
        expires = "never" if key.expires is None else f"{key.expires:%Y-%m-%d}"
        rows.append([key.key_id, key.name, key.role.value, f"{key.created:%Y-%m-%d}", expires])
    print_table(["id", "name", "role", "created", "expires"], rows)


@api_keys.command()
@click.argument("key_id", metavar="ID")
@json_option
def revoke(key_id: str, as_json: bool) -> None:
    """Take a key back; the API refuses it from now on.

    \b
    Example:  creditpulse api-keys revoke 4f0c12ab90de
    Exit codes: 0 done; 1 there is no such key, or no broker answers.
    """

    async def take() -> None:
        async with Control(Settings()) as control:
            await revoke_key(control, key_id)

    asyncio.run(take())
    tell({"revoked": key_id}, f"revoked {key_id}", as_json)


def _shown(key: KeyInfo) -> dict[str, str | None]:
    return {
        "id": key.key_id,
        "name": key.name,
        "role": key.role.value,
        "created": key.created.isoformat(),
        "expires": None if key.expires is None else key.expires.isoformat(),
    }
