"""Questions about the audit trail: values bound, bounds kept, wrong ones refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from schemas.errors import InvalidInput
from streams.archive.audit_reads import read_audit
from streams.archive.errors import NotFound


@dataclass
class Asked:
    """A database that remembers what it was asked."""

    sql: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Nothing is found."""
        self.sql, self.parameters = sql, parameters or {}
        return []


async def test_values_are_bound() -> None:
    """What a caller gives never becomes part of the SQL; without a limit a page is as long as it may be."""
    asked = Asked()
    evil = "x' OR 1=1 --"
    await read_audit(asked, "customer", {"customer_id": evil, "partition": "3", "first": "17"})
    assert evil not in asked.sql
    assert asked.parameters == {"customer_id": evil, "partition": 3, "first": 17, "limit": 2_000}
    await read_audit(asked, "spans", {"since": "2026-01-01T00:00:00+01:00"})
    assert asked.parameters == {"since": 1_767_222_000_000, "until": 2**62}


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        ("entries", {"first": "-1"}, "first"),
        ("entries", {"partition": "x"}, "partition"),
        ("entries", {"partition": str(2**32)}, "partition"),
        ("entries", {"limit": "0"}, "limit"),
        ("entries", {"limit": "2001"}, "limit"),
        ("leaves", {"customer_id": "C1"}, "customer_id"),
        ("customer", {}, "customer_id"),
        ("spans", {"since": "yesterday"}, "since"),
        ("spans", {"until": "2026-01-01T00:00:00"}, "until"),
    ],
)
async def test_wrong_questions(kind: str, given: dict[str, str], field: str) -> None:
    """Each names the parameter."""
    with pytest.raises(InvalidInput) as caught:
        await read_audit(Asked(), kind, given)
    assert caught.value.field == field


async def test_an_unknown_kind() -> None:
    """It is answered with those that there are."""
    with pytest.raises(NotFound, match="entries"):
        await read_audit(Asked(), "nothing", {})
