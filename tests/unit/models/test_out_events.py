"""Laws of models.out_events."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from models.account import Account, OpenOrder
from models.calendar import to_ms
from models.default_risk.risk import DefaultRisk
from models.engine import CreditEngine, MemoryAccounts
from models.exposure import Position
from models.order_out import Verdict, order_out
from models.out_events import Cause, Change, alert_out, assessment, exposure_out, level_out
from schemas.decisions import (
    CREDIT_ALERT,
    CREDIT_LEVEL,
    ORDER_DECISION,
    AlertKind,
    Assessment,
    Decision,
    OrderCheck,
    OutEvent,
    Reason,
)
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.log import LogEntry, Source
from tests.unit.models.build import account, at, entry, invoiced, paid, placed, policy, tick

RULES = policy("version: firm-7")
CAUSE = Cause(Source(topic="orders", partition=3, offset=42), "order.placed", "e-9", at(5), at(6))


def _rated() -> Account:
    known = account()
    known.level, known.points, known.probability, known.terms_days = "WATCH", {"ageing": 500, "agency": 20}, 0.25, 14
    known.limits = {"EUR": Decimal(1000)}
    known.behaviour.outcomes = known.behaviour.late_outcomes = 4
    known.behaviour.weighted_outcomes, known.behaviour.last_terms = 4.0, 45
    return known


def _state(known: Account) -> Assessment:
    change = Change(
        level_before=Level.STANDARD,
        score_before=700,
        reasons=[Reason(code="AGEING", contribution=-180)],
        caps=[],
        positions={"EUR": Position(open_invoices=Decimal(300)), "USD": Position(open_orders=Decimal(7))},
    )
    return assessment(known, change, CAUSE, DefaultRisk(RULES.default_risk), RULES)


def test_id_is_made_of_the_source_coordinates() -> None:
    """Topic, partition, offset, customer and kind name a decision, nothing else."""
    assert CAUSE.id_for("C1", "level") == "orders/3/42/C1/level"


def test_cause_of_an_entry() -> None:
    """Event time is when the decision is made, processing time when the gate read it; both come from the entry."""
    logged = entry(placed("O1", 5, day=2), offset=7)
    cause = Cause.of(logged, to_ms(at(4)))
    assert (cause.source, cause.type, cause.event_id) == (logged.source, "order.placed", logged.event.event_id)
    assert (cause.time, cause.recorded) == (at(4), at(2) + timedelta(seconds=5))


def test_exposure_by_hand() -> None:
    """500 + 300 - 120 = 680 of 1000: headroom 320, used 0.68."""
    position = Position(Decimal(500), Decimal(300), Decimal(120), Decimal(90), 900.0, 10)
    found = exposure_out("EUR", position, Decimal(1000))
    assert (found.exposure, found.headroom, found.utilisation) == (680, 320, 0.68)
    assert (found.overdue, found.oldest_days_past_due) == (90, 10)


@pytest.mark.parametrize(("limit", "headroom", "used"), [(None, None, None), (0, -300, None), (200, -100, 1.5)])
def test_headroom_without_limit_with_none_and_beyond(
    limit: int | None, headroom: int | None, used: float | None
) -> None:
    """No limit set has no headroom; a limit of zero has a negative one, and no utilisation."""
    found = exposure_out("EUR", Position(open_invoices=Decimal(300)), None if limit is None else Decimal(limit))
    assert (found.limit, found.headroom, found.utilisation) == (limit, headroom, used)


def test_assessment_says_what_it_rests_on() -> None:
    """It names the bad event with its horizon (45 + 5 + 1 days), evidence, policy, model and source."""
    state = _state(_rated())
    assert (state.level, state.level_before, state.score, state.score_before) == ("WATCH", "STANDARD", 520, 700)
    risk = state.default_risk
    assert (risk.probability, risk.horizon_days, risk.evidence) == (0.25, 51, 4)
    assert risk.bad_event == "invoice paid more than 5 days late"
    assert risk.low < 0.25 < risk.high
    assert (state.policy_version, state.cause, state.cause_type) == ("firm-7", CAUSE.source, "order.placed")
    assert state.model_version == DefaultRisk(RULES.default_risk).model_version
    assert (state.measures.terms_days, state.measures.orders) == (14, "approve")


def test_assessment_lists_positions_and_limits() -> None:
    """Each currency with a position or a limit is listed once, sorted, with its own limit."""
    known = _rated()
    known.limits["CNY"] = Decimal(50)
    found = {each.currency: (each.exposure, each.limit) for each in _state(known).exposures}
    assert found == {"CNY": (0, 50), "EUR": (300, 1000), "USD": (7, None)}
    assert list(found) == sorted(found)


@pytest.mark.parametrize(("outcomes", "provisional"), [(0, True), (7, True), (8, False)])
def test_thin_evidence_is_provisional(outcomes: int, provisional: bool) -> None:
    """With fewer than 8 known outcomes the level is shown as provisional."""
    known = _rated()
    known.behaviour.outcomes = outcomes
    assert _state(known).provisional is provisional


def test_level_event_in_its_envelope() -> None:
    """Subject, times, type, schema and severity stand outside the data."""
    known = _rated()
    out = level_out(known, _state(known), CAUSE, Severity.NOTICE)
    assert (out.id, out.subject, out.type, out.source) == (
        "orders/3/42/C1/level",
        "C1",
        CREDIT_LEVEL,
        "/creditpulse/engine",
    )
    assert (out.time, out.recordedtime, out.severity) == (at(5), at(6), Severity.NOTICE)
    assert (out.sequence, out.dataschema) == ("0000000001", "urn:creditpulse:schema:credit-level-changed:1")


def test_alert_shows_what_is_at_stake() -> None:
    """The alert carries the exposure of each currency, never a sum; only retractions name their reason."""
    known = _rated()
    out = alert_out(known, _state(known), CAUSE, Severity.NOTICE, kind=AlertKind.TIGHTENING, cause_kind="AGEING")
    assert out.id == "orders/3/42/C1/tightening"
    assert out.data.at_stake == {"EUR": 300, "USD": 7}
    assert (out.data.retracts, out.data.retracts_because) == (None, None)


def test_retractions_of_one_cause_have_ids_of_their_own() -> None:
    """Two alerts taken back by the same event are told apart by what they take back."""
    known = _rated()
    found = [
        alert_out(
            known, _state(known), CAUSE, Severity.NOTICE, kind=AlertKind.RETRACTION, cause_kind="X", retracts=gone
        )
        for gone in ("ticks/0/1/C1/tightening", "ticks/0/2/C1/tightening")
    ]
    assert len({out.id for out in found}) == 2
    assert [out.data.retracts_because for out in found] == ["e-9", "e-9"]


@pytest.mark.parametrize(
    ("decision", "severity"),
    [
        (Decision.APPROVE, Severity.INFO),
        (Decision.HOLD, Severity.NOTICE),
        (Decision.REJECT, Severity.WARNING),
        (Decision.RELEASE, Severity.INFO),
    ],
)
def test_order_decision_in_its_envelope(decision: Decision, severity: Severity) -> None:
    """The id names order and decision, so that a hold and its release by one cause differ."""
    known = _rated()
    order = OpenOrder(Decimal(50), "EUR", 1)
    checks = [OrderCheck(code="OVER_LIMIT")]
    position = Position(open_invoices=Decimal(980))
    out = order_out(known, "O1", order, Verdict(decision, checks), position, CAUSE, (RULES.version, "m@1"))
    assert out.id == f"orders/3/42/C1/order:O1:{decision.value}"
    assert (out.severity, out.type, out.data.amount, out.data.level) == (severity, ORDER_DECISION, 50, "WATCH")
    assert out.data.exposure.headroom == 20


def test_sequences_count_per_type() -> None:
    """Levels, alerts and orders of a customer are counted apart, from 1 on, in ten digits."""
    known = _rated()
    state = _state(known)
    levels = [level_out(known, state, CAUSE, Severity.INFO).sequence for _ in range(11)]
    alert = alert_out(known, state, CAUSE, Severity.INFO, kind=AlertKind.EASING, cause_kind="X")
    assert levels == [f"{number:010d}" for number in range(1, 12)]
    assert levels == sorted(levels)
    assert alert.sequence == "0000000001"


def test_sequences_count_per_customer() -> None:
    """Another account starts from 1."""
    one, two = _rated(), _rated()
    level_out(one, _state(one), CAUSE, Severity.INFO)
    assert level_out(two, _state(two), CAUSE, Severity.INFO).sequence == "0000000001"


# In the engine

FIRM = (
    "{ladder: {evidence_floor: 0, dwell_days: 5, probation_days: 5}, limits: {base: {EUR: 1000}, round_to: 1},"
    " order_checks: {oldest_item_dpd: 20}}"
)


def _story() -> list[LogEntry]:
    """Orders, an invoice left unpaid for 95 days, orders held meanwhile, payment, and months of recovery."""
    story = [
        entry(placed("O1", 300), 0),
        entry(invoiced("I1", 300, due=10, order_id="O1"), 1),
        entry(placed("O2", 900, day=1), 2),
    ]
    story += [entry(tick(day), day, "ticks") for day in range(2, 106)]
    story.append(entry(placed("O3", 100, day=105), 3))
    story.append(entry(paid("I1", 300, day=105), 0, "payments"))
    story += [entry(tick(day), day, "ticks") for day in range(106, 300)]
    return story


def _told(story: list[LogEntry], log_offsets: range) -> list[OutEvent]:
    engine = CreditEngine(MemoryAccounts(), FIRM)
    found: list[OutEvent] = []
    for offset, each in zip(log_offsets, story, strict=False):
        found += engine.apply(offset, each).out
    return found


def test_ids_do_not_depend_on_the_log() -> None:
    """Written again elsewhere in the log, the same records give the same events, byte for byte."""
    story = _story()
    first = [out.model_dump_json() for out in _told(story, range(0, 10_000))]
    again = [out.model_dump_json() for out in _told(story, range(500, 10_500))]
    assert first == again


def test_ids_are_unique_and_sequences_have_no_gap() -> None:
    """Over a whole story each id occurs once, and each type counts 1, 2, 3, ... without a gap."""
    found = _told(_story(), range(10_000))
    assert len({out.id for out in found}) == len(found)
    by_type: dict[str, list[int]] = defaultdict(list)
    for out in found:
        by_type[out.type].append(int(out.sequence))
    assert set(by_type) == {CREDIT_LEVEL, CREDIT_ALERT, ORDER_DECISION}
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_type.values())
    assert len(by_type[CREDIT_ALERT]) >= 4


def test_events_name_the_record_that_caused_them() -> None:
    """Each id begins with the coordinates that the data name as cause, and the times are those of that entry."""
    story = _story()
    by_source = {(each.source.topic, each.source.offset): each for each in story}
    for out in _told(story, range(10_000)):
        source = out.data.cause
        assert out.id.startswith(f"{source.topic}/{source.partition}/{source.offset}/C1/")
        logged = by_source[source.topic, source.offset]
        assert out.recordedtime == logged.received_at
        assert out.time == logged.time


def test_contributions_explain_the_change_of_score() -> None:
    """In every level event the contributions sum exactly to score - score before, in at most five reasons."""
    for out in _told(_story(), range(10_000)):
        if out.type == CREDIT_LEVEL:
            data = out.data
            assert isinstance(data, Assessment)
            assert data.score_before is not None
            assert sum(reason.contribution for reason in data.reasons) == data.score - data.score_before
            assert len(data.reasons) <= 5
