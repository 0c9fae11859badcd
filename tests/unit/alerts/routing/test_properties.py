"""Laws of the notification engine, whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.routing.config import Routing
from alerts.routing.inputs import Acknowledged, AlertSeen, FreshnessSeen, Input, PaymentsSeen, SilenceSet
from alerts.routing.lifecycle import alert_key
from alerts.routing.state import Silence, State
from schemas.decisions import AlertKind
from tests.unit.alerts.routing.build import T0, Driver, routing, seen

CUSTOMERS, CAUSES = ("C1", "C2", "C3"), ("AGEING", "BUST_OUT")
LEVELS = ("STANDARD", "WATCH", "HIGH_RISK", "BLOCKED")


def rules() -> Routing:
    return routing(
        {
            "group_by": ["owner"],
            "repeat_interval": "10m",
            "routes": [{"receiver": "head", "matchers": ["severity=critical"], "continue": True}],
        },
        receivers=[
            {"name": "desk", "digest": {"at": "03:45", "time_zone": "Europe/Berlin"}},
            {"name": "head", "quiet_hours": [{"from": "03:42", "to": "03:50", "time_zone": "Europe/Berlin"}]},
        ],
        inhibit=[{"source": ["level=BLOCKED"], "target": ["level=WATCH"], "equal": ["customer"]}],
        pending=[{"matchers": ["level=STANDARD"], "for": "2m"}],
        sector_alert={"customers": 2, "within": "1h"},
        freshness={"orders": "10m"},
        silences={"notice_before": "1m", "receiver": "desk"},
    )


@st.composite
def scripts(draw: st.DrawFn) -> list[tuple[int, Input]]:
    """Inputs with the seconds that pass before each; acknowledgements and retractions are of what came before."""
    found: list[tuple[int, Input]] = []
    tightenings: list[AlertSeen] = []
    for _ in range(draw(st.integers(1, 14))):
        pause = draw(st.sampled_from([0, 1, 29, 30, 45, 300, 900]))
        what = draw(
            st.sampled_from(["tighten", "tighten", "tighten", "ease", "retract", "ack", "silence", "fresh", "payments"])
        )
        customer = draw(st.sampled_from(CUSTOMERS))
        before, level = sorted(draw(st.lists(st.sampled_from(range(4)), min_size=2, max_size=2)))
        cause = draw(st.sampled_from(CAUSES))
        event = seen(customer, LEVELS[level], LEVELS[before], cause=cause, sector="steel", owner="ann")
        if what == "tighten":
            tightenings.append(event)
            found.append((pause, event))
        elif what == "ease":
            found.append((pause, replace(event, kind=AlertKind.EASING, level=LEVELS[before])))
        elif what == "fresh":
            found.append((pause, FreshnessSeen("orders", T0, T0 + draw(st.sampled_from([0, 10**6])))))
        elif what == "payments":
            partition, stale = draw(st.sampled_from("01")), draw(st.booleans())
            found.append((pause, PaymentsSeen(f"note-{len(found)}", partition, stale, T0, 3_600_000)))
        elif what == "silence":
            ends = T0 + draw(st.integers(60, 2_000)) * 1000
            found.append(
                (pause, SilenceSet(Silence(f"s-{customer}", [f"customer={customer}"], "ann", "why", T0, ends)))
            )
        elif tightenings:
            of = draw(st.sampled_from(tightenings))
            if what == "ack":
                found.append((pause, Acknowledged(alert_key(of.customer, of.cause_kind), of.event_id, "ben")))
            else:
                back = seen(of.customer, of.level_before, of.level, retracts=of.event_id, sector="steel", owner="ann")
                found.append((pause, replace(back, kind=AlertKind.RETRACTION)))
    return found


def play(script: list[tuple[int, Input]], *, restart: bool) -> Driver:
    driver = Driver(rules(), restart=restart)
    for pause, item in script:
        driver.run(driver.now + pause, step=30).take(item)
    return driver.run(driver.now + 2_000, step=30)


@settings(max_examples=15, deadline=None)
@given(scripts())
def test_a_restart_between_any_two_steps_changes_nothing(script: list[tuple[int, Input]]) -> None:
    """Stored and read again after every input and every tick, the engine says the same, with the same ids; an id names
    one notification, no alert stands in it twice, and nothing is repeated but what fires."""
    told = play(script, restart=False).told
    assert play(script, restart=True).told == told
    assert len({note.id for _, note in told}) == len(told)
    for _, note in told:
        keys = [item.key for item in note.items]
        assert len(set(keys)) == len(keys)
        assert note.kind != "repeat" or all(item.stage == "firing" for item in note.items)


@settings(max_examples=15, deadline=None)
@given(scripts())
def test_changes_are_all_that_has_to_be_stored(script: list[tuple[int, Input]]) -> None:
    """The changes, laid one over the other, are the state: what is not said to have changed has not."""
    driver, stored = Driver(rules()), {}
    for pause, item in [*script, (0, None)]:
        driver.run(driver.now + pause, step=30).take(*([item] if item else []))
        for key, value in driver.engine.state.take_changes().items():
            stored.pop(key, None)
            if value is not None:
                stored[key] = value
    stored.pop("head/head", None)
    whole = driver.engine.state.records()
    whole.pop("head/head")
    assert stored == whole
    assert State.of(whole).records().keys() - {"head/head"} == whole.keys()
