"""``creditpulse users`` and ``creditpulse api-keys``, as a script uses them: what they print is what then holds."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from desk.api.keys import caller_of
from desk.web.users import check_password
from streams.cli import main
from streams.control import Control
from streams.settings import Settings
from streams.topic_admin import ensure_topics

from .conftest import MakeSettings

pytestmark = pytest.mark.embedded_only

PASSWORD, OTHER = "quiet-harbour-41", "louder-harbour-42"


@pytest.fixture
def settings(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Topics, and the same settings in the environment of the commands."""
    made = make_settings()
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    asyncio.run(ensure_topics(made))
    return made


def call(*words: str, password: str | None = None) -> Result:
    given = None if password is None else f"{password}\n"
    return CliRunner().invoke(main, words, input=given, catch_exceptions=False)


def good(*words: str, password: str | None = None) -> Any:
    """The JSON that the command prints."""
    result = call(*words, "--json", password=password)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def role_of(settings: Settings, name: str, password: str) -> str | None:
    """As the desk would see who signs in."""
    async with Control(settings) as control:
        user = await check_password(control, name, password)
        return None if user is None else user.role.value


def test_users_are_made_changed_and_removed(settings: Settings) -> None:
    made = good("users", "add", "li.wei", "--role", "analyst", "--password-stdin", password=PASSWORD)
    assert (made["name"], made["role"]) == ("li.wei", "analyst")
    assert PASSWORD not in json.dumps(made)
    assert good("users", "list") == [made]
    assert good("users", "change", "li.wei", "--role", "approver") == made | {"role": "approver"}
    assert asyncio.run(role_of(settings, "li.wei", PASSWORD)) == "approver"
    assert good("users", "change", "li.wei", "--password-stdin", password=OTHER)["role"] == "approver"
    assert asyncio.run(role_of(settings, "li.wei", PASSWORD)) is None
    assert good("users", "remove", "li.wei") == {"removed": "li.wei"}
    assert good("users", "list") == []
    assert "users add NAME" in call("users", "list").output


def test_the_table_of_users_is_the_one_of_all_commands(settings: Settings) -> None:
    """A name is never cut or taken for markup, however long it is; in a pipe each user is one line."""
    names = ["[bold]ann[/bold]", "n" * 60]
    for name in names:
        good("users", "add", name, "--role", "reader", "--password-stdin", password=PASSWORD)
    head, *rows = call("users", "list").output.splitlines()
    assert head.split() == ["name", "role", "created"]
    assert [row.split()[:2] for row in rows] == [[name, "reader"] for name in names]


def test_on_a_new_broker_topics_are_made_as_they_must_be(make_settings: MakeSettings) -> None:
    """None are listed; what is sent first makes all of them: a broker by itself would give one partition, for ever."""
    settings = make_settings(partitions=3)
    fresh = settings.environment()
    for words in (["topics", "list", "--json"], ["topics", "list"]):
        listed = CliRunner().invoke(main, words, env=fresh, catch_exceptions=False)
        assert listed.exit_code == 0, listed.output
    assert "no topics yet" in listed.output
    sent = CliRunner().invoke(main, ["models", "promote", "A", "quick", "--json"], env=fresh, catch_exceptions=False)
    assert sent.exit_code == 0, sent.output
    found = json.loads(CliRunner().invoke(main, ["topics", "list", "--json"], env=fresh).stdout)
    assert {topic["partitions"] for topic in found} == {3}
    assert {topic["topic"]: topic["records"] for topic in found}[settings.topic("policy")] == 1


def test_a_key_is_taken_back(settings: Settings) -> None:
    async def is_known(key: str) -> bool:
        async with Control(settings) as control:
            return caller_of(control, key) is not None

    key = good("api-keys", "add", "erp", "--role", "reader")
    assert asyncio.run(is_known(key["key"]))
    assert good("api-keys", "revoke", key["id"]) == {"revoked": key["id"]}
    assert not asyncio.run(is_known(key["key"]))
    assert good("api-keys", "list") == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["users", "remove", "nobody"], 1, "there is no user 'nobody'"),
        (["users", "change", "nobody", "--role", "reader"], 1, "there is no user 'nobody'"),
        (["users", "change", "nobody"], 2, "nothing to change"),
        (["users", "add", "ann", "--role", "king", "--password-stdin"], 2, "is not one of"),
        (["users", "add", "ann", "--role", "reader", "--password-stdin"], 2, "password must have"),
        (["users", "add", " ann", "--role", "reader", "--password-stdin"], 2, "printable characters"),
        (["api-keys", "revoke", "nokey"], 1, "there is no key 'nokey'"),
        (["api-keys", "add", "", "--role", "reader"], 2, "printable characters"),
        (["api-keys", "add", "erp", "--role", "reader", "--days", "0"], 2, "0 is not in the range"),
    ],
)
def test_wrong_input_is_told_and_prints_no_json(settings: Settings, words: list[str], code: int, says: str) -> None:
    result = call(*words, "--json", password="short" if words[2] == "ann" else PASSWORD)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert says in " ".join(result.stderr.split())
    assert good("users", "list") == []
