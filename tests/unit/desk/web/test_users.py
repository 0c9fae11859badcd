"""Users: only hashes are kept, wrong passwords and unknown names are refused, changes count at once."""

from __future__ import annotations

import pytest

from desk.api.roles import Role
from desk.web.oidc import role_map, role_of
from desk.web.preferences import MOST_VIEWS, Preference, Preferences
from desk.web.users import add_user, change_user, check_password, list_users, remove_user, user_of
from schemas.errors import InvalidInput
from streams.archive.errors import NotFound
from tests.unit.desk.api.in_memory import Records

PASSWORD = "a long enough password"


async def test_a_user_from_beginning_to_end() -> None:
    """Made, signed in, given another role and password, taken away."""
    records = Records()
    await add_user(records, "li.wei", Role.ANALYST, PASSWORD)
    assert PASSWORD not in repr(records.kept)
    user = await check_password(records, "li.wei", PASSWORD)
    assert user is not None
    assert (user.name, user.role, user.source) == ("li.wei", Role.ANALYST, "password")
    assert await check_password(records, "li.wei", PASSWORD + "x") is None
    assert await check_password(records, "nobody", PASSWORD) is None
    await change_user(records, "li.wei", role=Role.READER, password=PASSWORD[::-1])
    assert await check_password(records, "li.wei", PASSWORD) is None
    assert [(info.name, info.role) for info in list_users(records)] == [("li.wei", Role.READER)]
    await remove_user(records, "li.wei")
    assert user_of(records, "li.wei") is None
    with pytest.raises(NotFound):
        await remove_user(records, "li.wei")


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [("", PASSWORD, "name"), (" x", PASSWORD, "name"), ("a\nb", PASSWORD, "name"), ("taken", PASSWORD, "name"),
     ("new", "short", "password"), ("new", "x" * 257, "password")],
)  # fmt: skip
async def test_names_and_passwords_that_are_not_usable(name: str, password: str, field: str) -> None:
    """The error names the field, and nothing was written."""
    records = Records()
    await records.put("desk-user", "taken", {})
    with pytest.raises(InvalidInput) as refused:
        await add_user(records, name, Role.READER, password)
    assert refused.value.field == field
    assert list(records.all("desk-user")) == ["taken"]


def test_roles_of_an_identity_provider() -> None:
    """The highest one that a claim gives, wherever the claim stands; nothing without one."""
    roles = role_map("credit-team=analyst, credit-heads=approver")
    assert role_of({"groups": ["staff", "credit-team", "credit-heads"]}, "groups", roles) is Role.APPROVER
    assert role_of({"realm": {"roles": "credit-team"}}, "realm.roles", roles) is Role.ANALYST
    for claims in ({}, {"groups": []}, {"groups": ["staff"]}, {"groups": [["credit-team"]]}, {"groups": 7}):
        assert role_of(claims, "groups", roles) is None
    with pytest.raises(InvalidInput):
        role_map("credit-team=chief")


async def test_preferences_are_kept_per_user() -> None:
    """Language and theme, and a bounded number of saved views; what another version wrote wrongly is not followed."""
    records = Records()
    preferences = Preferences(records)
    assert preferences.of("a") is None
    await preferences.change("a", language="zh")
    for number in range(MOST_VIEWS + 3):
        await preferences.save_view("a", "customers", f"v{number}", {"search": str(number)})
    await preferences.save_view("a", "customers", f"v{MOST_VIEWS}", None)
    liked = preferences.of("a")
    assert liked is not None
    assert (liked.language, len(liked.views["customers"])) == ("zh", MOST_VIEWS - 1)
    assert preferences.of("b") is None
    await records.put("desk-preferences", "b", {"language": "xx", "theme": "pink"})
    assert preferences.of("b") == Preference("en", "light", {})
