"""Sessions end when they should, and a token that was known before signing in is worth nothing after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from desk.api.roles import Role
from desk.web.sessions import IDLE, LONGEST, Sessions
from desk.web.sign_in import _local
from desk.web.users import User

USER = User("a", Role.READER)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_a_session_ends_by_idleness_by_age_and_by_signing_out() -> None:
    """Use keeps it alive, but not for ever."""
    clock = Clock()
    sessions = Sessions(clock)
    session = sessions.start(USER)
    assert sessions.find(session.token) is session
    assert sessions.find("guess") is None
    assert sessions.find(None) is None
    end = clock.now + LONGEST
    while clock.now + IDLE < end:
        clock.now += IDLE - timedelta(seconds=1)
        assert sessions.find(session.token) is session
    clock.now = end
    assert sessions.find(session.token) is None
    idle = sessions.start(USER)
    clock.now += IDLE
    assert not sessions.is_alive(idle)
    ended = sessions.start(USER)
    sessions.end(ended)
    assert sessions.find(ended.token) is None


def test_forms_need_the_token_of_their_session() -> None:
    """Two sessions have different ones."""
    sessions = Sessions(Clock())
    mine, other = sessions.start(USER), sessions.start(USER)
    assert mine.accepts(mine.csrf)
    assert not mine.accepts(other.csrf)
    assert not mine.accepts("")


def test_signing_in_leads_to_pages_of_ours_only() -> None:
    """An address of another host in the link is not followed."""
    assert _local("/customers?x=1") == "/customers?x=1"
    for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a\nb"):
        assert _local(target) == "/"
