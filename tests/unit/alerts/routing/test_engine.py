"""Conformance of grouping, inhibition, silences, repeats, acknowledgement and quiet hours: who hears what when."""

from __future__ import annotations

import pytest

from alerts.routing.config import Routing
from alerts.routing.inputs import Acknowledged, FreshnessSeen, OrderSeen, SilenceGone, SilenceSet
from alerts.routing.lifecycle import alert_key
from alerts.routing.state import Silence
from tests.unit.alerts.routing.build import T0, Driver, eased, retracted, routing, seen

HOUR = 3600


def silence(matcher: str, *, ends: int, starts: int = 0, silence_id: str = "s1") -> SilenceSet:
    return SilenceSet(Silence(silence_id, [matcher], "ann", "stocktaking", T0 + starts * 1000, T0 + ends * 1000))


def ack(driver: Driver, customer: str = "C1", cause: str = "AGEING") -> Acknowledged:
    alert = driver.engine.state.alerts[alert_key(customer, cause)]
    return Acknowledged(alert.key, alert.worsened, "ben")


# --- grouping ---------------------------------------------------------------------------------------------------


def test_the_first_message_waits_group_wait_and_collects() -> None:
    driver = Driver(routing({"group_by": ["owner"]})).take(seen("C1", owner="ann"))
    driver.run(20).take(seen("C2", owner="ann"), seen("C3", owner="ben")).run(60)
    assert driver.log == [(30, "desk", "C1:new C2:new"), (50, "desk", "C3:new")]


def test_news_of_a_group_waits_for_the_next_group_interval() -> None:
    driver = Driver(routing({"group_by": ["owner"]})).take(seen("C1", owner="ann")).run(100)
    driver.take(seen("C2", owner="ann")).run(400)
    assert driver.log == [(30, "desk", "C1:new"), (330, "desk", "C1:standing C2:new")]


@pytest.mark.parametrize(
    ("by", "expected"), [(["customer"], 3), (["sector"], 2), (["group", "sector"], 3), ([], 1), (["..."], 3)]
)
def test_groups_are_the_distinct_values_of_their_labels(by: list[str], expected: int) -> None:
    driver = Driver(routing({"group_by": by}))
    driver.take(seen("C1", sector="retail", group="G1"), seen("C2", sector="retail", group="G2"))
    driver.take(seen("C3", sector="steel", group="G1")).run(31)
    assert len(driver.log) == expected


def test_what_begins_and_ends_within_group_wait_is_not_told() -> None:
    driver = Driver(routing()).take(seen()).run(10).take(eased()).run(400)
    assert (driver.log, driver.stages(), driver.engine.state.groups) == ([], {"C1/AGEING": "resolved"}, {})


def test_an_end_is_told_at_the_next_interval_and_the_group_is_gone() -> None:
    driver = Driver(routing()).take(seen()).run(60).take(eased()).run(400)
    assert driver.log == [(30, "desk", "C1:new"), (330, "desk", "C1:resolved")]
    assert (driver.stages(), driver.engine.state.groups) == ({"C1/AGEING": "resolved"}, {})


def test_a_receiver_that_wants_no_ends_gets_none() -> None:
    rules = routing(receivers=[{"name": "desk", "send_resolved": False}])
    assert Driver(rules).take(seen()).run(60).take(eased()).run(400).log == [(30, "desk", "C1:new")]


# --- states -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "stage"), [("WATCH", "firing"), ("STANDARD", "resolved"), ("PRIME", "resolved")])
def test_an_easing_resolves_from_the_level_before_upwards(level: str, stage: str) -> None:
    driver = Driver(routing()).take(seen(level="HIGH_RISK")).run(31).take(eased(level=level, before="HIGH_RISK"))
    assert driver.stages() == {"C1/AGEING": stage}


def test_each_cause_ends_at_its_own_level() -> None:
    driver = Driver(routing()).take(seen(), seen(level="HIGH_RISK", before="WATCH", cause="BUST_OUT")).run(31)
    driver.take(eased(level="WATCH", before="HIGH_RISK"))
    assert driver.stages() == {"C1/AGEING": "firing", "C1/BUST_OUT": "resolved"}


def test_the_same_cause_again_is_the_same_alert() -> None:
    driver = Driver(routing()).take(seen(cause="DPD_15"), seen(cause="DPD_30")).run(400)
    assert driver.log == [(30, "desk", "C1:new")]


def test_worse_is_told_at_once_and_breaks_the_acknowledgement() -> None:
    driver = Driver(routing()).take(seen(cause="AGEING")).run(40)
    driver.take(ack(driver))
    assert driver.stages() == {"C1/AGEING": "acknowledged"}
    driver.run(50).take(seen(level="HIGH_RISK", before="WATCH")).run(51)
    assert driver.log == [(30, "desk", "C1:new"), (50, "desk", "C1:escalated")]
    assert driver.stages() == {"C1/AGEING": "firing"}


def test_an_acknowledgement_of_what_was_milder_has_no_effect() -> None:
    driver = Driver(routing()).take(seen()).run(40)
    old = ack(driver)
    driver.take(seen(level="HIGH_RISK", before="WATCH"), old)
    assert driver.stages() == {"C1/AGEING": "firing"}


def test_a_retraction_names_the_late_event() -> None:
    driver = Driver(routing()).take(seen(event_id="a-1")).run(60).take(retracted("a-1")).run(400)
    assert driver.log == [(30, "desk", "C1:new"), (330, "desk", "C1:retracted")]
    assert driver.told[-1][1].items[0].because == "late-payment-7"


def test_a_retraction_of_the_worse_half_leaves_the_rest() -> None:
    driver = Driver(routing()).take(seen(event_id="a-1"), seen(level="HIGH_RISK", before="WATCH", event_id="a-2"))
    driver.run(60).take(retracted("a-2", level="WATCH", before="HIGH_RISK")).run(61)
    assert driver.log[-1] == (60, "desk", "C1:corrected")
    assert driver.stages() == {"C1/AGEING": "firing"}


def test_two_retractions_of_one_cause_retract_both() -> None:
    driver = Driver(routing()).take(seen(event_id="a-1"))
    driver.take(seen(level="BLOCKED", before="WATCH", cause="X", event_id="a-2"))
    driver.run(60).take(retracted("a-1", before="BLOCKED"), retracted("a-2", before="BLOCKED")).run(400)
    assert driver.log[-1][2] == "C1:retracted C1:retracted"


def test_pending_holds_back_and_is_forgotten_when_it_ends() -> None:
    rules = routing(pending=[{"matchers": ["level=WATCH"], "for": "10m"}])
    driver = Driver(rules).take(seen("C1"), seen("C2")).run(300)
    assert set(driver.stages().values()) == {"pending"}
    assert driver.take(eased("C1")).run(700).log == [(630, "desk", "C2:new")]


def test_pending_ends_at_once_when_it_becomes_worse() -> None:
    rules = routing(pending=[{"matchers": ["level=WATCH"], "for": "10m"}])
    driver = Driver(rules).take(seen()).run(60).take(seen(level="HIGH_RISK", before="WATCH")).run(100)
    assert driver.log == [(90, "desk", "C1:new")]


def test_events_that_are_sent_again_change_nothing() -> None:
    first, end = seen(), eased()
    driver = Driver(routing()).take(first).run(31).take(end).run(400).take(first, end).run(800)
    assert driver.log == [(30, "desk", "C1:new"), (330, "desk", "C1:resolved")]


# --- repeats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("factor", "most", "hours"),
    [(1, "7d", [0, 4, 8, 12, 16, 20]), (2, "7d", [0, 4, 12]), (2, "6h", [0, 4, 10, 16, 22])],
)
def test_repeats_slow_with_age(factor: int, most: str, hours: list[int]) -> None:
    driver = Driver(routing({"repeat_factor": factor, "repeat_max": most})).take(seen()).run(24 * HOUR, step=30)
    assert [at // HOUR for at, _, _ in driver.log] == hours
    assert {note.kind for _, note in driver.told[1:]} == {"repeat"}


def test_news_begins_the_repeats_anew() -> None:
    driver = Driver(routing({"repeat_factor": 2, "group_by": ["owner"]})).take(seen("C1")).run(5 * HOUR, step=30)
    driver.take(seen("C2")).run(10 * HOUR, step=30)
    assert [at // HOUR for at, _, _ in driver.log] == [0, 4, 5, 9]


def test_what_is_acknowledged_is_not_repeated_but_its_end_is_told() -> None:
    driver = Driver(routing({"group_by": ["owner"]})).take(seen("C1"), seen("C2")).run(60)
    driver.take(ack(driver)).run(5 * HOUR, step=30)
    assert driver.log[1:] == [(4 * HOUR + 30, "desk", "repeat C2:standing")]
    driver.take(eased("C1")).run(6 * HOUR, step=30)
    assert driver.log[-1][2] == "C1:resolved C2:standing"


# --- inhibition -------------------------------------------------------------------------------------------------

BLOCKED_MUTES_WATCH = [{"source": ["level=BLOCKED"], "target": ["level=WATCH"], "equal": ["customer"]}]


@pytest.mark.parametrize(("blocked", "told"), [("C1", "C1:new"), ("C2", "C1:new C2:new")])
def test_blocked_mutes_watch_of_the_same_customer(blocked: str, told: str) -> None:
    driver = Driver(routing({"group_by": []}, inhibit=BLOCKED_MUTES_WATCH))
    driver.take(seen("C1"), seen(blocked, level="BLOCKED", before="WATCH", cause="BUST_OUT")).run(31)
    assert driver.log == [(30, "desk", told)]


def test_what_was_mute_is_told_when_the_source_ends() -> None:
    driver = Driver(routing({"group_by": []}, inhibit=BLOCKED_MUTES_WATCH))
    driver.take(seen(), seen(level="BLOCKED", before="WATCH", cause="BUST_OUT")).run(31)
    driver.take(eased(level="WATCH", before="BLOCKED")).run(400)
    assert driver.log == [(30, "desk", "C1:new"), (330, "desk", "C1:new C1:resolved")]


@pytest.mark.parametrize(
    ("source", "second", "told"),
    [("level=WATCH", "WATCH", ["C1:new", "C2:new"]), ("level=BLOCKED", "BLOCKED", ["C2:new"])],
)
def test_missing_labels_are_equal_and_no_two_mute_each_other(source: str, second: str, told: list[str]) -> None:
    rules = routing(inhibit=[{"source": [source], "target": ["level=WATCH"], "equal": ["sector"]}])
    driver = Driver(rules).take(seen("C1"), seen("C2", second)).run(31)
    assert [items for _, _, items in driver.log] == told


def test_a_sector_alert_mutes_the_small_ones_of_its_members() -> None:
    rules = routing(
        {"group_by": []},
        sector_alert={"customers": 3, "within": "1d"},
        severity={"by_level": {"WATCH": "notice"}, "small_below": {"EUR": 100}},
        inhibit=[{"source": ["kind=sector"], "target": ["kind=tightening", "size=small"], "equal": ["sector"]}],
    )
    driver = Driver(rules)
    driver.take(*(seen(f"C{number}", sector="steel", stake=50) for number in (1, 2)))
    driver.take(seen("C3", sector="steel", stake=5_000), seen("C4", sector="retail", stake=50)).run(31)
    assert driver.log == [(30, "desk", "C3:new C4:new sector:new")]
    driver.take(eased("C1")).run(400)
    assert driver.log[-1][2] == "C2:new C3:standing C4:standing sector:resolved"


# --- silences ---------------------------------------------------------------------------------------------------


def test_a_silence_mutes_until_it_ends_and_then_the_rest_is_told() -> None:
    driver = Driver(routing()).take(silence("customer=C1", ends=400), seen("C1"), seen("C2")).run(700)
    assert driver.log == [(30, "desk", "C2:new"), (630, "desk", "C1:new")]


@pytest.mark.parametrize(
    ("matcher", "mute"),
    [
        ("customer=C1", True),
        ("customer!=C1", False),
        ("customer=~C.*", True),
        ("customer=~C", False),
        ("customer!~C", True),
        ("sector=~x?", True),
    ],
)
def test_a_silence_mutes_what_matches(matcher: str, mute: bool) -> None:
    driver = Driver(routing()).take(silence(matcher, ends=99), seen()).run(50)
    assert driver.log == ([] if mute else [(30, "desk", "C1:new")])


def test_a_silence_begins_when_it_says_and_ends_when_it_is_deleted() -> None:
    driver = Driver(routing()).take(silence("customer=C1", starts=40, ends=99_999), seen("C1")).run(50)
    driver.take(seen("C1", level="HIGH_RISK", before="WATCH")).run(400)
    assert driver.log == [(30, "desk", "C1:new")]
    driver.take(SilenceGone("s1")).run(700)
    assert driver.log[1:] == [(630, "desk", "C1:escalated")]


def test_the_end_of_a_silence_is_announced_once() -> None:
    rules = routing(silences={"notice_before": "10m", "receiver": "desk"})
    driver = Driver(rules).take(silence("customer=C1", ends=HOUR), silence("customer=C2", ends=300, silence_id="s2"))
    driver.run(2 * HOUR, step=10)
    assert driver.log == [(HOUR - 600, "desk", "silence_ending")]


# --- routes -----------------------------------------------------------------------------------------------------

TWO = [{"name": "desk"}, {"name": "head"}]


def test_who_was_told_hears_of_the_worse_and_so_does_who_is_responsible_then() -> None:
    rules = routing({"routes": [{"receiver": "head", "matchers": ["severity=critical"]}]}, receivers=TWO)
    driver = Driver(rules).take(seen()).run(60).take(seen(level="BLOCKED", before="WATCH")).run(100)
    assert driver.log == [(30, "desk", "C1:new"), (60, "desk", "C1:escalated"), (60, "head", "C1:new")]


def test_another_tree_tells_nobody_twice_and_tells_who_is_new() -> None:
    driver = Driver(routing()).take(seen()).run(60)
    both = {"routes": [{"receiver": "head", "continue": True}, {"receiver": "desk", "group_by": ["owner"]}]}
    driver.restart(routing(both, receivers=TWO)).run(400)
    assert driver.log == [(30, "desk", "C1:new"), (90, "head", "C1:new")]
    driver.run(5 * HOUR, step=10)
    assert [(who, items) for _, who, items in driver.log[2:]] == [
        (who, "repeat C1:standing") for who in ("head", "desk")
    ]


# --- quiet hours ------------------------------------------------------------------------------------------------


def quiet_rules(passes: list[str], begin: str = "22:00") -> Routing:
    # 2026-02-02 02:40 UTC is 03:40 in Berlin; the quiet time ends at 04:00 there, 1200 s later.
    hours = [{"from": begin, "to": "04:00", "time_zone": "Europe/Berlin"}]
    return routing(receivers=[{"name": "desk", "quiet_hours": hours, "passes_quiet_hours": passes}])


@pytest.mark.parametrize(
    ("passes", "log"),
    [
        (["critical"], [(30, "desk", "C2:new"), (1200, "desk", "C1:new")]),
        ([], [(1200, "desk", "C1:new"), (1200, "desk", "C2:new")]),
    ],
)
def test_quiet_hours_delay_but_for_what_passes(passes: list[str], log: list[tuple[int, str, str]]) -> None:
    assert Driver(quiet_rules(passes)).take(seen("C1"), seen("C2", "BLOCKED")).run(2000).log == log


def test_what_is_over_before_quiet_hours_end_is_not_told_but_evaluation_went_on() -> None:
    driver = Driver(quiet_rules([])).take(seen("C1"), seen("C2")).run(300)
    assert driver.stages() == {"C1/AGEING": "firing", "C2/AGEING": "firing"}
    driver.take(eased("C1"), seen("C2", level="HIGH_RISK", before="WATCH")).run(2000)
    assert driver.log == [(1200, "desk", "C2:new")]


def test_an_end_in_quiet_hours_is_told_when_they_are_over() -> None:
    driver = Driver(quiet_rules([], "03:45")).take(seen()).run(400).take(eased()).run(2000)
    assert driver.log == [(30, "desk", "C1:new"), (1200, "desk", "C1:resolved")]


# --- freshness and digest ---------------------------------------------------------------------------------------


def test_a_stale_topic_is_told_and_so_is_its_return() -> None:
    driver, hour = Driver(routing({"group_by": []}, freshness={"payments": "1h"})), HOUR * 1000
    driver.take(FreshnessSeen("payments", T0, T0 + hour), FreshnessSeen("orders", T0, T0 + 9 * hour)).run(60)
    assert driver.log == []
    driver.take(FreshnessSeen("payments", T0, T0 + hour + 1)).run(100)
    driver.take(FreshnessSeen("payments", T0 + hour, T0 + hour + 2)).run(500)
    assert driver.log == [(90, "desk", "data_freshness:new"), (390, "desk", "data_freshness:resolved")]


def test_the_digest_comes_once_a_day_at_its_hour() -> None:
    rules = routing(receivers=[{"name": "desk", "digest": {"at": "04:00", "time_zone": "Europe/Berlin"}}])
    driver = Driver(rules).run(60).take(seen("C1", stake=70), seen("C2", "BLOCKED", stake=900))
    driver.take(OrderSeen("C1", "O1", True, "100", "EUR", T0), OrderSeen("C1", "O2", True, "50", "EUR", T0))
    driver.take(OrderSeen("C1", "O2", False, "50", "EUR", T0), silence("customer=C9", ends=5 * HOUR))
    driver.run(25 * HOUR, step=60)
    digests = [(at, note.digest) for at, note in driver.told if note.digest]
    assert [at for at, _ in digests] == [1200, 1200 + 24 * HOUR]
    first = digests[0][1]
    assert (first.by_level, first.by_kind) == ({"BLOCKED": 1, "WATCH": 1}, {"AGEING": 2})
    assert [item.customer for item in first.top["EUR"]] == ["C2", "C1"]
    assert (first.holds, [one.id for one in first.ending]) == ({"EUR": (1, "100")}, ["s1"])
