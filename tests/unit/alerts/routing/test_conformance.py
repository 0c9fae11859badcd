"""Grouping, inhibition, silences and repeats as in Alertmanager: what happens, and who hears of what when.

Unless a row says otherwise: one receiver ``desk``, groups by customer, group_wait 30s, group_interval 5m,
repeat_interval 4h, nothing slows.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.alerts.routing.build import routing
from tests.unit.alerts.routing.story import Story

Row = tuple[str, dict[str, Any], str, str, str]
"""Name, route, what happens, until when, what is told."""


def check(row: Row, **sections: Any) -> Story:
    _, route, happens, until, told = row
    story = Story(routing(route, **sections)).play(happens, until)
    assert story.told == told
    return story


def rows(table: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table, ids=[row[0] for row in table])


BY_OWNER = {"group_by": ["owner"]}
GROUPING: list[Row] = [
    ("what belongs together is collected for group_wait", BY_OWNER,
     "0s C1 WATCH owner=ann; 20s C2 WATCH owner=ann", "1m", "30s desk C1:new C2:new"),
    ("another label is another group, with a wait of its own", BY_OWNER,
     "0s C1 WATCH owner=ann; 20s C3 WATCH owner=ben", "1m", "30s desk C1:new; 50s desk C3:new"),
    ("later news waits for the next group_interval, and shows what stands", BY_OWNER,
     "0s C1 WATCH owner=ann; 100s C2 WATCH owner=ann", "6m", "30s desk C1:new; 5m30s desk C1:standing C2:new"),
    ("no labels: all in one group", {"group_by": []},
     "0s C1 WATCH sector=retail; 0s C2 WATCH sector=steel", "1m", "30s desk C1:new C2:new"),
    ("three dots: each alert by itself", {"group_by": ["..."]},
     "0s C1 WATCH owner=ann; 0s C2 WATCH owner=ann", "1m", "30s desk C1:new; 30s desk C2:new"),
    ("by corporate group and sector: distinct pairs", {"group_by": ["group", "sector"]},
     "0s C1 WATCH group=G1 sector=x; 0s C2 WATCH group=G1 sector=x; 0s C3 WATCH group=G1 sector=y", "1m",
     "30s desk C1:new C2:new; 30s desk C3:new"),
    ("a label that is missing groups with what misses it too", BY_OWNER,
     "0s C1 WATCH; 0s C2 WATCH; 0s C3 WATCH owner=ann", "1m", "30s desk C1:new C2:new; 30s desk C3:new"),
    ("the same cause again is the same alert", {},
     "0s C1 WATCH cause=DPD_15; 10s C1 WATCH cause=DPD_30", "10m", "30s desk C1:new"),
    ("two causes are two alerts of one group", {},
     "0s C1 WATCH; 10s C1 WATCH cause=BUST_OUT", "1m", "30s desk C1:new C1:new"),
    ("what begins and ends within group_wait is not told", {},
     "0s C1 WATCH; 10s C1 eased STANDARD", "10m", ""),
    ("an end is told at the next group_interval", {},
     "0s C1 WATCH; 1m C1 eased STANDARD", "10m", "30s desk C1:new; 5m30s desk C1:resolved"),
    ("what begins again before its end was told is told as new", {},
     "0s C1 WATCH; 1m C1 eased STANDARD; 2m C1 WATCH", "6m", "30s desk C1:new; 2m desk C1:new"),
    ("what begins again after its end was told waits group_wait", {},
     "0s C1 WATCH; 1m C1 eased STANDARD; 6m C1 WATCH", "10m",
     "30s desk C1:new; 5m30s desk C1:resolved; 6m30s desk C1:new"),
    ("what becomes worse is told at once", {},
     "0s C1 WATCH; 1m C1 HIGH_RISK", "4m", "30s desk C1:new; 1m desk C1:escalated"),
    ("a restart changes nothing", BY_OWNER,
     "0s C1 WATCH owner=ann; 10s restart; 20s C2 WATCH owner=ann; 20s restart", "6m", "30s desk C1:new C2:new"),
]  # fmt: skip


@rows(GROUPING)
def test_grouping(row: Row) -> None:
    check(row)


SLOWS = {"repeat_factor": 2, "repeat_max": "7d"}
REPEATS: list[Row] = [
    ("after repeat_interval, again and again", {}, "0s C1 WATCH", "13h",
     "30s desk C1:new; 4h30s desk repeat C1:standing; 8h30s desk repeat C1:standing; 12h30s desk repeat C1:standing"),
    ("slower with age", SLOWS, "0s C1 WATCH", "29h",
     "30s desk C1:new; 4h30s desk repeat C1:standing; 12h30s desk repeat C1:standing; "
     "1d4h30s desk repeat C1:standing"),
    ("never slower than repeat_max", {"repeat_factor": 2, "repeat_max": "6h"}, "0s C1 WATCH", "17h",
     "30s desk C1:new; 4h30s desk repeat C1:standing; 10h30s desk repeat C1:standing; "
     "16h30s desk repeat C1:standing"),
    ("news begins it anew", {**SLOWS, **BY_OWNER}, "0s C1 WATCH; 5h C2 WATCH", "9h10m",
     "30s desk C1:new; 4h30s desk repeat C1:standing; 5h30s desk C1:standing C2:new; "
     "9h30s desk repeat C1:standing C2:standing"),
    ("not what is acknowledged", {}, "0s C1 WATCH; 1m ack C1", "9h", "30s desk C1:new"),
    ("the rest of the group, without what is acknowledged", BY_OWNER, "0s C1 WATCH; 0s C2 WATCH; 1m ack C1", "5h",
     "30s desk C1:new C2:new; 4h30s desk repeat C2:standing"),
    ("worse breaks the acknowledgement", {}, "0s C1 WATCH; 1m ack C1; 2m C1 HIGH_RISK", "4h10m",
     "30s desk C1:new; 2m desk C1:escalated; 4h5m30s desk repeat C1:standing"),
    ("the end of what is acknowledged is told", {}, "0s C1 WATCH; 1m ack C1; 2m C1 eased STANDARD", "9h",
     "30s desk C1:new; 5m30s desk C1:resolved"),
    ("a restart does not begin it anew", {}, "0s C1 WATCH; 3h restart; 4h restart", "5h",
     "30s desk C1:new; 4h30s desk repeat C1:standing"),
]  # fmt: skip


@rows(REPEATS)
def test_repeats(row: Row) -> None:
    check(row)


ALL_IN_ONE = {"group_by": []}
INHIBITION: list[Row] = [
    ("BLOCKED mutes WATCH of the same customer", ALL_IN_ONE,
     "0s C1 WATCH; 0s C1 BLOCKED cause=BUST_OUT", "1m", "30s desk C1:new"),
    ("not of another customer", ALL_IN_ONE,
     "0s C1 WATCH; 0s C2 BLOCKED cause=BUST_OUT", "1m", "30s desk C1:new C2:new"),
    ("not what is neither source nor target", ALL_IN_ONE,
     "0s C1 HIGH_RISK; 0s C1 BLOCKED cause=BUST_OUT", "1m", "30s desk C1:new C1:new"),
    ("what was told stays told: only repeats and news are mute", ALL_IN_ONE,
     "0s C1 WATCH; 1m C1 BLOCKED cause=BUST_OUT", "5h",
     "30s desk C1:new; 5m30s desk C1:new; 4h5m30s desk repeat C1:standing"),
    ("when the source ends, what was mute is told", ALL_IN_ONE,
     "0s C1 WATCH; 0s C1 BLOCKED cause=BUST_OUT; 1m C1 eased WATCH", "6m",
     "30s desk C1:new; 5m30s desk C1:new C1:resolved"),
    ("what is acknowledged goes on muting", {"group_by": ["..."]},
     "0s C1 BLOCKED cause=BUST_OUT; 1m ack C1; 2m C1 WATCH", "10m",
     "30s desk C1:new"),
    ("a restart changes nothing", ALL_IN_ONE,
     "0s C1 WATCH; 0s C1 BLOCKED cause=BUST_OUT; 10s restart", "1m", "30s desk C1:new"),
]  # fmt: skip


@rows(INHIBITION)
def test_inhibition(row: Row) -> None:
    check(row, inhibit=[{"source": ["level=BLOCKED"], "target": ["level=WATCH"], "equal": ["customer"]}])


@pytest.mark.parametrize(
    ("source", "second", "told"),
    [
        ("level=BLOCKED", "BLOCKED", "30s desk C2:new"),
        ("level=WATCH", "WATCH", "30s desk C1:new; 30s desk C2:new"),
    ],
    ids=["labels that both miss are equal", "no two that are source and target mute each other"],
)
def test_inhibition_by_a_missing_label(source: str, second: str, told: str) -> None:
    rule = {"source": [source], "target": ["level=WATCH"], "equal": ["sector"]}
    assert Story(routing(inhibit=[rule])).play(f"0s C1 WATCH; 0s C2 {second}", "1m").told == told


SECTOR: list[Row] = [
    ("its small members are mute, the large one and other sectors are not", ALL_IN_ONE,
     "0s C1 WATCH sector=steel stake=50; 0s C2 WATCH sector=steel stake=50; 0s C3 WATCH sector=steel stake=5000; "
     "0s C4 WATCH sector=retail stake=50", "1m", "30s desk C3:new C4:new sector:new"),
    ("two are no sector", ALL_IN_ONE,
     "0s C1 WATCH sector=steel stake=50; 0s C2 WATCH sector=steel stake=50", "1m", "30s desk C1:new C2:new"),
    ("nor are three within a longer time", ALL_IN_ONE,
     "0s C1 WATCH sector=steel stake=50; 0s C2 WATCH sector=steel stake=50; 2h C3 WATCH sector=steel stake=50", "2h10m",
     "30s desk C1:new C2:new; 2h30s desk C1:standing C2:standing C3:new"),
    ("once it ends, its members that still stand are told", ALL_IN_ONE,
     "0s C1 WATCH sector=steel stake=50; 0s C2 WATCH sector=steel stake=50; 0s C3 WATCH sector=steel stake=50; "
     "1m C1 eased STANDARD", "6m", "30s desk sector:new; 5m30s desk C2:new C3:new sector:resolved"),
]  # fmt: skip


@rows(SECTOR)
def test_a_sector_alert_mutes_the_small_ones_of_its_members(row: Row) -> None:
    check(
        row,
        sector_alert={"customers": 3, "within": "1h"},
        severity={"by_level": {"WATCH": "notice"}, "small_below": {"EUR": 100}},
        inhibit=[{"source": ["kind=sector"], "target": ["kind=tightening", "size=small"], "equal": ["sector"]}],
    )


SILENCES: list[Row] = [
    ("mutes what matches", ALL_IN_ONE,
     "0s silence s1 customer=C1 0s..10m; 0s C1 WATCH; 0s C2 WATCH", "1m", "30s desk C2:new"),
    ("all matchers have to match", ALL_IN_ONE,
     "0s silence s1 customer=C1 level=BLOCKED 0s..10m; 0s C1 WATCH", "1m", "30s desk C1:new"),
    ("a pattern matches the whole value", ALL_IN_ONE,
     "0s silence s1 customer=~C.|D 0s..10m; 0s C1 WATCH; 0s C12 WATCH", "1m", "30s desk C12:new"),
    ("when it ends, what still stands is told", {},
     "0s silence s1 customer=C1 0s..7m; 0s C1 WATCH", "15m", "10m30s desk C1:new"),
    ("what ended meanwhile is not told", {},
     "0s silence s1 customer=C1 0s..7m; 0s C1 WATCH; 2m C1 eased STANDARD", "15m", ""),
    ("it begins when it says", {},
     "0s silence s1 customer=C1 40s..1h; 0s C1 WATCH; 50s C1 HIGH_RISK", "10m", "30s desk C1:new"),
    ("taken away, it mutes no more", {},
     "0s silence s1 customer=C1 0s..1h; 0s C1 WATCH; 6m unsilence s1", "15m", "10m30s desk C1:new"),
    ("repeats are mute as well", {},
     "0s C1 WATCH; 1h silence s1 customer=C1 1h..6h", "7h", "30s desk C1:new; 6h30s desk repeat C1:standing"),
    ("two silences: it takes both to end", {},
     "0s silence s1 customer=C1 0s..4m; 0s silence s2 level=WATCH 0s..9m; 0s C1 WATCH", "15m", "10m30s desk C1:new"),
    ("a restart changes nothing", {},
     "0s silence s1 customer=C1 0s..7m; 0s C1 WATCH; 1m restart", "15m", "10m30s desk C1:new"),
]  # fmt: skip


@rows(SILENCES)
def test_silences(row: Row) -> None:
    check(row)


NOTICES: list[Row] = [
    ("once, before it ends", {}, "0s silence s1 customer=C1 0s..1h", "2h", "50m desk silence_ending"),
    ("once, with a restart", {}, "0s silence s1 customer=C1 0s..1h; 55m restart", "2h", "50m desk silence_ending"),
    ("not of one that is as short as the notice", {}, "0s silence s1 customer=C1 0s..10m", "1h", ""),
    ("again when it was made longer", {},
     "0s silence s1 customer=C1 0s..1h; 55m silence s1 customer=C1 0s..2h", "3h",
     "50m desk silence_ending; 1h50m desk silence_ending"),
    ("not of one that was taken away", {}, "0s silence s1 customer=C1 0s..1h; 30m unsilence s1", "2h", ""),
]  # fmt: skip


@rows(NOTICES)
def test_the_end_of_a_silence_is_announced(row: Row) -> None:
    check(row, silences={"notice_before": "10m", "receiver": "desk"})
