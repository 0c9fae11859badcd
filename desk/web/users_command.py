"""``creditpulse users``: who may sign in at the desk."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from desk.api.roles import Role
from desk.web.users import UserInfo, add_user, change_user, list_users, remove_user
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
def add(name: str, role: str, password_stdin: bool) -> None:
    """Make a user NAME; the password is asked for twice, and only a hash of it is kept.

    \b
    Example:  creditpulse users add li.wei --role analyst
    Exit codes: 0 made; 1 no broker answers; 2 name or password is not usable.
    """
    password = _password(password_stdin)
    info = _with_control(lambda control: add_user(control, name, Role(role), password))
    click.echo(f"{info.name}, role {info.role.value}")


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
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
        click.echo(json.dumps([
            {"name": user.name, "role": user.role.value, "created": user.created.isoformat()} for user in found
        ]))  # fmt: skip
        return
    if not found:
        click.echo("no users: creditpulse users add NAME --role ROLE")
        return
    table = Table("name", "role", "created", box=None)
    for user in found:
        table.add_row(escape(user.name), user.role.value, f"{user.created:%Y-%m-%d}")
    Console().print(table)


@users.command("change")
@click.argument("name")
@click.option("--role", type=_ROLES, help="The new role; it counts at once, also for who is signed in.")
@click.option("--password", "ask", is_flag=True, help="Ask for a new password.")
@_password_stdin
def change(name: str, role: str | None, ask: bool, password_stdin: bool) -> None:
    """Give user NAME another role or password.

    \b
    Example:  creditpulse users change li.wei --role approver
    Exit codes: 0 done; 1 no such user, or no broker answers; 2 nothing to change, or the password is not usable.
    """
    if role is None and not ask and not password_stdin:
        raise click.UsageError("nothing to change: give --role or --password")
    password = _password(password_stdin) if ask or password_stdin else None
    new_role = None if role is None else Role(role)
    _with_control(lambda control: change_user(control, name, role=new_role, password=password))
    click.echo(f"changed {name}")


@users.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Take the access of user NAME; it ends at once, also for who is signed in.

    \b
    Example:  creditpulse users remove li.wei
    Exit codes: 0 removed; 1 no such user, or no broker answers.
    """
    _with_control(lambda control: remove_user(control, name))
    click.echo(f"removed {name}")


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
