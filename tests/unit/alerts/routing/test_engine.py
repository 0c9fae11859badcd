"""States, routes, quiet hours, freshness and digest; grouping, inhibition, silences and repeats: test_conformance."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from alerts.routing.config import Routing
from alerts.routing.inputs import (
    REVIEW,
    Acknowledged,
    AlertSeen,
    FreshnessSeen,
    OrderSeen,
    PaymentsSeen,
    SilenceSet,
    payments_seen,
)
from alerts.routing.lifecycle import KEEP_ENDED_MS, alert_key
from alerts.routing.severity import severity_of
from alerts.routing.state import Silence
from models.calendar import to_ms
from schemas.decisions import AlertKind
from tests.unit.alerts.routing.build import T0, Driver, eased, retracted, routing, seen
from tests.unit.alerts.samples import AT, envelope, note

HOUR = 3600


def silence(matcher: str, *, ends: int, starts: int = 0, silence_id: str = "s1") -> SilenceSet:
    return SilenceSet(Silence(silence_id, [matcher], "ann", "stocktaking", T0 + starts * 1000, T0 + ends * 1000))


def ack(driver: Driver, customer: str = "C1", cause: str = "AGEING") -> Acknowledged:
    alert = driver.engine.state.alerts[alert_key(customer, cause)]
    return Acknowledged(alert.key, alert.worsened, "ben")


# --- severity -----------------------------------------------------------------------------------------------------

RULES = {
    "by_level": {"STANDARD": "info", "WATCH": "notice", "HIGH_RISK": "warning", "BLOCKED": "critical"},
    "raised_by_steps": 2,
    "at_least": {"EUR": {"warning": 100_000, "critical": 1_000_000}, "JPY": {"warning": 10_000_000}},
    "knock_outs": {"BUST_OUT": "critical"},
}


@pytest.mark.parametrize(
    ("level", "before", "stake", "caps", "severity"),
    [
        ("WATCH", "STANDARD", {"EUR": 5}, [], "notice"),  # by level
        ("WATCH", "PRIME", {"EUR": 5}, [], "warning"),  # two levels at once
        ("BLOCKED", "PRIME", {}, [], "critical"),  # there is nothing above
        ("WATCH", "STANDARD", {"EUR": 99_999}, [], "notice"),
        ("WATCH", "STANDARD", {"EUR": 100_000}, [], "warning"),  # much at stake
        ("WATCH", "STANDARD", {"EUR": 1_000_000}, [], "critical"),
        ("WATCH", "STANDARD", {"JPY": 1_000_000}, [], "notice"),  # by its own currency's threshold
        ("WATCH", "STANDARD", {"USD": 9_000_000}, [], "notice"),  # no threshold, no comparison
        ("WATCH", "STANDARD", {}, ["BUST_OUT", "DPD_15"], "critical"),  # a knock-out
    ],
)
def test_severity(level: str, before: str, stake: dict[str, int], caps: list[str], severity: str) -> None:
    rules = routing(severity=RULES).severity
    assert severity_of(rules, level, before, {name: Decimal(value) for name, value in stake.items()}, caps) == severity


# --- states -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "stage"), [("WATCH", "firing"), ("STANDARD", "resolved"), ("PRIME", "resolved")])
def test_an_easing_resolves_from_the_level_before_upwards(level: str, stage: str) -> None:
    driver = Driver(routing()).take(seen(level="HIGH_RISK")).run(31).take(eased(level=level, before="HIGH_RISK"))
    assert driver.stages() == {"C1/AGEING": stage}


def test_each_cause_ends_at_its_own_level() -> None:
    driver = Driver(routing()).take(seen(), seen(level="HIGH_RISK", before="WATCH", cause="BUST_OUT")).run(31)
    driver.take(eased(level="WATCH", before="HIGH_RISK"))
    assert driver.stages() == {"C1/AGEING": "firing", "C1/BUST_OUT": "resolved"}


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


def test_what_is_over_stays_visible_for_a_week_and_can_still_be_retracted() -> None:
    driver = Driver(routing()).take(seen(event_id="a-1")).run(60).take(eased()).run(400)
    assert driver.stages() == {"C1/AGEING": "resolved"}
    driver.take(retracted("a-1", before="STANDARD")).run(800)
    assert driver.stages() == {"C1/AGEING": "retracted"}
    assert [alert.because for alert in driver.engine.state.alerts.values()] == ["late-payment-7"]
    driver.restart()
    driver.now += KEEP_ENDED_MS // 1000
    assert (driver.tick().stages(), len(driver.log)) == ({}, 2)


@pytest.mark.parametrize("end", ["approved", "rejected", "withdrawn", "passed"])
def test_a_tightening_that_waits_for_a_person_is_told_and_so_is_that_it_waits_no_more(end: str) -> None:
    def review(state: str) -> AlertSeen:
        stays = seen(level="STANDARD", before="STANDARD", cause=REVIEW)
        return replace(stays, kind=AlertKind.REVIEW, review=state, review_to="BLOCKED")

    driver = Driver(routing()).take(review("none"), review("pending")).run(60)
    (alert,) = driver.engine.state.alerts.values()
    assert (alert.labels["severity"], alert.labels["level"]) == ("critical", "STANDARD")
    driver.take(review(end)).run(400)
    assert driver.log == [(30, "desk", "C1:new"), (330, "desk", "C1:resolved")]


def test_a_review_that_waits_for_long_is_told_again_one_step_louder() -> None:
    """At once, also when somebody had taken note; what comes in between makes it no milder."""

    def waits(aged: bool, level: str = "WATCH") -> AlertSeen:
        stays = seen(level="STANDARD", before="STANDARD", cause=REVIEW)
        return replace(stays, kind=AlertKind.REVIEW, review="pending", review_to=level, aged=aged)

    driver = Driver(routing()).take(waits(False)).run(60)
    found = [driver.engine.state.alerts[key] for key in driver.engine.state.alerts]
    told = [found[0].labels["severity"]]
    for aged in (True, False, True, True):
        driver.take(ack(driver, cause=REVIEW)).take(waits(aged)).run(driver.now + 600)
        told.append(found[0].labels["severity"])
    assert told == ["notice", "warning", "warning", "critical", "critical"]
    assert [change for _, _, change in driver.log] == ["C1:new", *["C1:escalated"] * 3]


def test_a_receiver_that_wants_no_ends_gets_none() -> None:
    rules = routing(receivers=[{"name": "desk", "send_resolved": False}])
    assert Driver(rules).take(seen()).run(60).take(eased()).run(400).log == [(30, "desk", "C1:new")]


# --- routes -------------------------------------------------------------------------------------------------------

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


# --- quiet hours --------------------------------------------------------------------------------------------------


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


# --- freshness and digest -----------------------------------------------------------------------------------------


def test_a_stale_topic_is_told_and_so_is_its_return() -> None:
    driver, hour = Driver(routing({"group_by": []}, freshness={"orders": "1h"})), HOUR * 1000
    driver.take(FreshnessSeen("orders", T0, T0 + hour), FreshnessSeen("overdue", T0, T0 + 9 * hour)).run(60)
    assert driver.log == []
    driver.take(FreshnessSeen("orders", T0, T0 + hour + 1)).run(100)
    driver.take(FreshnessSeen("orders", T0 + hour, T0 + hour + 2)).run(500)
    assert driver.log == [(90, "desk", "data_freshness:new"), (390, "desk", "data_freshness:resolved")]


def test_payments_are_stale_while_the_engine_ages_no_further_on_any_partition() -> None:
    """One alert, whatever the routing asks about; the last partition ends it, and a repeat changes nothing."""
    driver = Driver(routing({"group_by": []}))

    def noted(partition: str, stale: bool) -> PaymentsSeen:
        return PaymentsSeen(f"ticks/{partition}/{stale}", partition, stale, T0, 96 * HOUR * 1000)

    driver.take(noted("partition-0", False)).run(60)
    driver.take(noted("partition-0", True), noted("partition-1", True), noted("partition-0", True)).run(100)
    driver.take(noted("partition-1", False)).run(400)
    assert driver.log == [(90, "desk", "data_freshness:new")]
    driver.take(noted("partition-0", False)).run(700)
    assert driver.log[1:] == [(690, "desk", "data_freshness:resolved")]


def test_what_the_engine_notes_of_payments_is_heard() -> None:
    """When the newest one was heard, and the policy's limit; notes about models are none of ours."""
    stale = envelope(note(task="book", kind="payments_stale", statistic=2.5, threshold=2.0), subject="partition-1")
    assert payments_seen(stale) == PaymentsSeen("id-1", "partition-1", True, to_ms(AT) - 9_000_000, 7_200_000)
    assert payments_seen(envelope(note(), subject="partition-1")) is None


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


def test_an_alert_about_a_topic_ends_when_the_routing_does_not_ask_about_it_any_more() -> None:
    driver = Driver(routing(freshness={"orders": "1h"}))
    driver.take(FreshnessSeen("orders", T0, T0 + 2 * HOUR * 1000)).run(60)
    driver.restart(routing()).run(600)
    assert [items for _, _, items in driver.log] == ["data_freshness:new", "data_freshness:resolved"]
