"""Notifications in English and Chinese: nothing that strangers wrote can steer a screen, a mail or a page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from alerts.dispatch.render import Words, in_words
from alerts.routing.inputs import AlertSeen, FreshnessSeen, OrderSeen, SilenceSet, alert_seen
from alerts.routing.notification import Notification
from alerts.routing.state import Silence
from alerts.texts import LANGUAGES, Language
from schemas.decisions import AlertKind, Master
from schemas.levels import Level
from tests.unit.alerts.routing.build import T0, Driver, routing
from tests.unit.alerts.samples import alert, envelope

HOSTILE = "<script>\r\nBcc: x@example.org\x1b[31m\u202e"
DAY = 86_400


def seen(customer: str, number: int = 1, **changes: Any) -> AlertSeen:
    return replace(
        alert_seen(envelope(alert(**changes), event_id=f"{customer}/{number}", subject=customer)), sequence=number
    )


def notifications() -> dict[str, Notification]:
    """One of each kind, by what is in it."""
    digest = {"at": "04:00", "time_zone": "Asia/Shanghai"}
    rules = routing(
        {"group_by": []}, freshness={"orders": "1h"}, receivers=[{"name": "desk", "digest": digest}],
        silences={"notice_before": "10m", "receiver": "desk"},
    )  # fmt: skip
    master = Master(name=HOSTILE)
    silence = Silence("s1", ['customer="C9"'], HOSTILE, HOSTILE, T0, T0 + 18 * 3_600_000)
    driver = Driver(rules).take(seen("C1", master=master), seen("C2"), SilenceSet(silence)).run(60)
    back = {"kind": AlertKind.RETRACTION, "level": Level.STANDARD, "level_before": Level.WATCH}
    driver.take(seen("C1", 2, retracts="C1/1", retracts_because="payments/1/77", master=master, **back))
    driver.take(FreshnessSeen("orders", T0, T0 + 3_600_001), OrderSeen("C2", "O1", True, "1500", "EUR", T0))
    told = [note for _, note in driver.run(DAY, step=30).told]
    found = {"new": told[0], "retracted": told[1]}
    return found | {note.kind: note for note in told if note.kind != "alerts"}


NOTES = notifications()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["new", "retracted", "repeat", "digest", "silence_ending"])
def test_nothing_that_strangers_wrote_can_steer(kind: str, language: Language) -> None:
    words = in_words(NOTES[kind], language)
    assert not re.search(r"[\x00-\x1f\u202e]", words.title)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", words.text)
    assert not any(line.startswith("Bcc") for line in words.text.splitlines())
    assert "<script" not in words.html


def words(kind: str) -> tuple[Words, Words]:
    return in_words(NOTES[kind], "en"), in_words(NOTES[kind], "zh")


def test_new_alerts_tell_why_what_is_at_stake_and_how_to_take_note() -> None:
    english, chinese = words("new")
    assert english.title.startswith("[notice] 2 new: C1 <script>")
    assert "&lt;script&gt;" in english.html
    for part in ("C2 tightened: standard -> watch", "17 days past due", "at stake: 12,500 USD", "alerts ack ID (ids: "):
        assert part in english.text
    assert chinese.title.startswith("【提示】新增 2 项：C1")
    assert "C2 收紧：标准 -> 关注" in chinese.text


def test_a_retraction_names_the_event_that_caused_it() -> None:
    english, chinese = words("retracted")
    assert "taken back, now standard" in english.text
    assert "because of event payments/1/77" in english.text
    assert "因事件 payments/1/77" in chinese.text


def test_the_digest_has_the_date_of_its_receiver() -> None:
    english, chinese = words("digest")
    assert english.title == "Credit alerts of 2026-02-03: 2 open"  # 04:00 there is 20:00 UTC of the day before
    assert "Most at stake, USD\n- 12,500 USD; C2 tightened" in english.text
    assert "Orders held\n- 1,500 EUR in 1 order(s)" in english.text
    assert chinese.title == "2026-02-03 信用警报日报：未解除 2 项"


def test_a_long_list_is_cut_and_says_so() -> None:
    driver = Driver(routing({"group_by": []})).take(*(seen(f"C{number}") for number in range(35))).run(31)
    english = in_words(driver.told[0][1], "en")
    assert english.title == "[notice] 35 new: C0, C1 and 33 more"
    assert english.text.count("\n- C") == 30
    assert "and 5 more" in english.text
