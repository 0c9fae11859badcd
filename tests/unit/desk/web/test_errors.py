"""Why something was not done, in the language of who looks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.routing.silences import silence_record
from desk.api.problems import Refused
from desk.web.frame import Words
from desk.web.texts import messages
from schemas.errors import Conflict, CreditPulseError, InvalidInput, Unavailable
from streams.archive.errors import NotFound

ROOT = Path(__file__).parents[4]
_HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("the broker does not answer"),
        NotFound("there is no silence 'x'"),
        Conflict("p1 was approved by bob already", "proposal_decided", by="bob"),
        Refused(403, "second_person_needed", "somebody else has to agree"),
        InvalidInput("secret_key", "CREDITPULSE_SECRET_KEY is not set", "secret_key"),
    ],
)
def test_an_error_is_told_in_chinese(error: CreditPulseError) -> None:
    """And not in the English words it was raised with."""
    told = Words("holds", "zh").error(error)
    assert _HAN.search(told)
    assert str(error) not in told


def test_a_wrong_silence_is_told_in_chinese_with_its_field() -> None:
    """The error is the one that is really raised."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"matchers": [], "reason": "plan", "author": "ann", "starts": now, "ends": now + timedelta(hours=1)}
    with pytest.raises(InvalidInput) as raised:
        silence_record(given)
    told = Words("alerts", "zh").error(raised.value)
    assert _HAN.search(told)
    assert raised.value.field
    assert raised.value.field in told


def test_what_has_no_text_is_told_in_its_own_words() -> None:
    """Rather than not at all."""
    assert Words("holds", "zh").error(InvalidInput("webhook_url", "must be https", "url")) == "must be https"


def test_each_reason_of_a_conflict_has_its_text() -> None:
    """A reason that is given in the code is known to the pages."""
    given = re.compile(r'raise Conflict\((?:f?"[^"]*"|message), "(\w+)"')
    found = {
        reason
        for folder in ("alerts", "desk")
        for file in (ROOT / folder).rglob("*.py")
        for reason in given.findall(file.read_text(encoding="utf-8"))
    }
    assert len(found) >= 7
    assert {f"errors.{reason}" for reason in found} <= set(messages())
