"""The desk of this process: what all its pages share."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import app

from desk.api.services import Services
from desk.hold_queue import HoldQueue
from desk.web.live import LiveNews
from desk.web.preferences import Preferences
from desk.web.sessions import Sessions
from desk.web.users import User
from desk.web.views import Views
from desk.web.watch import Watch


@dataclass(frozen=True, slots=True)
class Desk:
    """Open parts, news, shared reads. ``demo``: everybody is this user, and no other machine can reach us."""

    services: Services
    sessions: Sessions
    news: LiveNews
    watch: Watch
    views: Views
    preferences: Preferences
    holds: HoldQueue
    demo: User | None = None


def desk_of() -> Desk:
    """The desk; the toolkit has one application per process, and so do we."""
    found: Desk = app.state.desk
    return found
