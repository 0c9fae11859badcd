"""``creditpulse users``: who may sign in at the desk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from desk.api.roles import Role
from desk.web.users import UserInfo, add_user, change_user, list_users, remove_user
from streams.commands.options import json_option
from streams.commands.show import print_json, print_table, tell
from streams.control import Control
from streams.settings import Settings
from streams.topic_admin import ensure_topics

Answer = TypeVar("Answer")
_ROLES = click.Choice([role.value for role in Role])
_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)


@click.group()
def users() -> None:
    """People who sign in at the desk with a password; with an identity provider (OIDC) none are needed."""


@users.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="What the user may do.")
@_password_stdin
@json_option
def add(name: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Make a user NAME; the password is asked for twice, and only a hash of it is kept.

    \b
    Example:  creditpulse users add li.wei --role analyst
    Exit codes: 0 made; 1 no broker answers; 2 name or password is not usable.
    """
    password = _password(password_stdin)
    info = _with_control(lambda control: add_user(control, name, Role(role), password))
    tell(_shown(info), f"{info.name}, role {info.role.value}", as_json)


@users.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the users.

    \b
    Example:  creditpulse users list --json
    Exit codes: 0 done; 1 no broker answers.
    """

    async def read(control: Control) -> list[UserInfo]:
        return list_users(control)

    found = _with_control(read)
    if as_json:
        print_json([_shown(user) for user in found])
        return
    if not found:
        click.echo("no users: creditpulse users add NAME --role ROLE")
        return
    rows = [[user.name, user.role.value, f"{user.created:%Y-%m-%d}"] for user in found]
    print_table(["name", "role", "created"], rows)


@users.command("change")
@click.argument("name")
@click.option("--role", type=_ROLES, help="The new role; it counts at once, also for who is signed in.")
@click.option("--password", "ask", is_flag=True, help="Ask for a new password.")
@_password_stdin
@json_option
def change(name: str, role: str | None, ask: bool, password_stdin: bool, as_json: bool) -> None:
    """Give user NAME another role or password.

    \b
    Example:  creditpulse users change li.wei --role approver
    Exit codes: 0 done; 1 no such user, or no broker answers; 2 nothing to change, or the password is not usable.
    """
    if role is None and not ask and not password_stdin:
        raise click.UsageError("nothing to change: give --role or --password")
    password = _password(password_stdin) if ask or password_stdin else None
    new_role = None if role is None else Role(role)
    info = _with_control(lambda control: change_user(control, name, role=new_role, password=password))
    tell(_shown(info), f"changed {name}", as_json)


@users.command("remove")
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Take the access of user NAME; it ends at once, also for who is signed in.

    \b
    Example:  creditpulse users remove li.wei
    Exit codes: 0 removed; 1 no such user, or no broker answers.
    """
    _with_control(lambda control: remove_user(control, name))
    tell({"removed": name}, f"removed {name}", as_json)


def _shown(user: UserInfo) -> dict[str, str]:
    return {"name": user.name, "role": user.role.value, "created": user.created.isoformat()}


def _with_control(work: Callable[[Control], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        settings = Settings()
        await ensure_topics(settings)
        async with Control(settings) as control:
            return await work(control)

    return asyncio.run(run())


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    password: str = click.prompt("password", hide_input=True, confirmation_prompt=True)
    return password
