"""The backtest's figures: what was counted, and predictions scored on the last part of the time alone."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta

import msgspec
import pytest

from models.default_risk.quality import prediction_quality
from models.default_risk.risk import Outcome
from models.policy import default_policy_text
from schemas.topics import ORDERS, PAYMENTS, TICKS
from streams.backtesting.quality import prediction_report
from streams.backtesting.run import report, run_backtest
from streams.in_process import InProcess
from tests.unit.streams.gate.parts import DAY_MS, NOW, NOW_MS
from tests.unit.streams.test_in_process import event

FIRST = date(2025, 1, 1).toordinal()


def outcome(day: int, model: float = 0.5, naive: float = 0.5, bad: bool = False) -> Outcome:
    """An invoice issued so many days after the first, and what became of it."""
    return Outcome("C1", f"I{day}", FIRST + day, FIRST + day + 60, model, naive, bad)


def test_only_the_last_part_of_the_time_is_scored() -> None:
    """Of 0 to 100 days, invoices from day 70 on count: that day too, and not the day before."""
    outcomes = [outcome(day) for day in (0, 50, 69, 70, 71, 100)]
    found = prediction_report(outcomes)["A"]
    assert found["model"]["n"] == found["naive"]["n"] == 3
    assert found["from"] == (date(2025, 1, 1) + timedelta(days=70)).isoformat()


def test_the_cut_is_one_of_time_and_not_of_number() -> None:
    """Many early invoices do not move it."""
    crowded = [outcome(0)] * 1_000 + [outcome(80), outcome(100)]
    assert prediction_report(crowded)["A"]["model"]["n"] == 2


def test_a_cut_within_a_day_starts_on_the_next() -> None:
    """70 % of 11 days are 7.7: the first day scored is the 8th, and the report says so."""
    found = prediction_report([outcome(day) for day in range(12)])["A"]
    assert found["model"]["n"] == 4
    assert found["from"] == (date(2025, 1, 1) + timedelta(days=8)).isoformat()


def test_model_and_bar_are_scored_on_the_same_invoices() -> None:
    """The same outcomes, each with its own probabilities; early ones do not enter."""
    tested = [outcome(90, 0.9, 0.2, True), outcome(95, 0.1, 0.3, False), outcome(100, 0.6, 0.4, False)]
    found = prediction_report([outcome(0, 0.0, 1.0, True), *tested])["A"]
    bad = [True, False, False]
    assert found["model"] == prediction_quality([0.9, 0.1, 0.6], bad)
    assert found["naive"] == prediction_quality([0.2, 0.3, 0.4], bad)
    assert (found["model"]["auc"], found["naive"]["auc"]) == (1.0, 0.0)


def test_both_tasks_are_cut_at_the_same_time() -> None:
    """The time in which invoices were issued decides for predictions made later as well, each in its own row."""
    rolls = [msgspec.structs.replace(outcome(day), task="B") for day in (69, 70, 130)]
    found = prediction_report([outcome(0), outcome(100), *rolls])
    assert (found["A"]["model"]["n"], found["B"]["model"]["n"]) == (1, 2)
    assert found["A"]["from"] == found["B"]["from"]


def test_the_order_of_the_outcomes_does_not_matter() -> None:
    """They become certain in another order than they were issued."""
    outcomes = [outcome(day, day / 200, 0.5, day % 3 == 0) for day in range(0, 101, 5)]
    assert prediction_report(outcomes[::-1]) == prediction_report(outcomes)


@pytest.mark.parametrize("outcomes", [[], [outcome(0)]], ids=["none", "one"])
def test_few_outcomes_make_a_report_still(outcomes: list[Outcome]) -> None:
    """Without outcomes, or with one class only, ranks are unknown and nothing fails."""
    found = prediction_report(outcomes)["A"]
    assert found["model"]["n"] == len(outcomes)
    assert found["model"]["auc"] is None
    assert found["from"] == ("2025-01-01" if outcomes else None)


def test_everything_is_counted_as_it_is_written() -> None:
    """Events without ticks, entries of all partitions, each decision one line, refusals by their code."""
    process = InProcess(2, default_policy_text(), latest=NOW + timedelta(days=9))
    events = [
        event(ORDERS),
        event(ORDERS, customer="C2", event_id="e-2"),
        event(PAYMENTS, amount="-1"),
        event(TICKS, NOW_MS + DAY_MS),
    ]
    out, shown = io.StringIO(), []
    tally = run_backtest(process, events, out, lambda: shown.append(1))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    found = report(tally, process)
    assert (found["events"], found["ticks"], found["log_entries"]) == (3, 1, 2 + 2)
    assert len(shown) == 3
    assert found["decisions"] == len(lines) > 0
    assert found["customers"] == sum(found["levels"].values()) == 2
    assert found["partitions"] == 2
    assert found["dead_letters"] == {"total": 1, "invalid_field": 1}
    assert found["alerts"]["total"] == sum("credit-alert" in line["type"] for line in lines)
    assert found["policy_version"] == process.engines[0].policy.version


def test_the_same_events_give_the_same_bytes() -> None:
    """Two runs write the same decisions."""
    written = []
    for _ in range(2):
        process = InProcess(2, default_policy_text(), latest=NOW)
        run_backtest(process, [event(ORDERS), event(PAYMENTS)], out := io.StringIO())
        written.append(out.getvalue())
    assert written[0] == written[1] != ""
