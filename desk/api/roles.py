"""Who may do what: five roles, each holding the rights of those before it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from desk.api.problems import Refused


class Role(StrEnum):
    """READER sees; ORDER_ENTRY asks for credit checks; ANALYST acts on orders and alerts; APPROVER is the second pair
    of eyes and overrides levels; ADMIN makes keys and subscriptions and activates policies."""

    READER = "reader"
    ORDER_ENTRY = "order-entry"
    ANALYST = "analyst"
    APPROVER = "approver"
    ADMIN = "admin"

    def holds(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` may."""
        return _RANK[self] >= _RANK[needed]


_RANK = {role: rank for rank, role in enumerate(Role)}


class Person(Protocol):
    """Who acts: the name that an API key was made for, or that somebody signed in with; never one that was claimed."""

    @property
    def name(self) -> str:
        """Stands in the log and the audit trail."""

    @property
    def role(self) -> Role:
        """What the person may do."""


def may(who: Person, role: Role) -> None:
    """Raises Refused (403) for a person who does not hold ``role``."""
    if not who.role.holds(role):
        raise Refused(403, "role_needed", f"this needs the role {role.value}; you have {who.role.value}")
