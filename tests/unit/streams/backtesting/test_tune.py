"""Laws of the search for thresholds: it learns from the early span alone, repeats itself, and says if a gain fails."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import optuna
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from models.policy import default_policy, parse_policy
from streams.backtesting.compare import Setting
from streams.backtesting.early_warning import Judged
from streams.backtesting.tune import Goal, Search, Span, sampled, suggested
from streams.cli import main
from streams.sources.ledger import LedgerFormat
from streams.sources.past import past_events
from tests.unit.streams.backtesting.test_money import ledger

SETTING = Setting(datetime(2026, 1, 1, tzinfo=UTC))


def search(path: Path, text: str = "version: v1", metric: str = "net") -> Search:
    """Over the ledger of a steady and a failing customer."""
    events = past_events(ledger(path / "ledger.csv"), LedgerFormat())
    return Search(text, events, SETTING, Goal("net" if metric == "net" else "precision", 0.5, 1.0))


@given(st.integers(0, 2**31))
def test_every_point_of_the_space_is_a_valid_policy(seed: int) -> None:
    """Bands never overlap, caps ascend; what the file says otherwise stays."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    changes = suggested(study.ask(), default_policy())
    made = Search("version: v1\ndefault_risk: {late_days: 7}", [], SETTING, Goal()).tuned_text(changes)
    policy = parse_policy(made)
    assert (policy.version, policy.default_risk.late_days) == ("v1-tuned", 7)
    days = [cap.days_past_due for cap in policy.knock_outs.ageing]
    assert days == sorted(days)


def test_the_early_span_knows_nothing_of_the_later_one(tmp_path: Path) -> None:
    """Whatever happens after the cut, the figures of the early span stay."""
    whole = search(tmp_path)
    cut = whole.cut
    early = [event for event in whole.events if event.timestamp_ms < (cut - 719_163) * 86_400_000]
    figures = whole.span(whole.text, later=False).figures
    assert figures["money"]["EUR"]["orders"] == sum(b'"order.invoiced"' in event.raw for event in early)
    later = whole.span(whole.text, later=True).figures
    assert figures["money"]["EUR"]["orders"] + later["money"]["EUR"]["orders"] == 140


def test_the_same_seed_finds_the_same_policy(tmp_path: Path) -> None:
    """And the policy it found is no worse on the early span than the one it began with."""
    one, two = (search(tmp_path).run(4, seed=3) for _ in range(2))
    assert one == two
    assert one["training"]["gain"] >= 0
    validation = one["validation"]
    low, high = validation["gain_interval"]
    assert low <= high
    assert one["holds"] is (one["training"]["gain"] > 0 and low > 0)


def test_a_gain_from_one_customer_of_many_does_not_hold() -> None:
    """Drawn by customer, that one is missing in a third of the draws; the same gain from all of them is certain."""
    made = Search("version: v1", [], SETTING, Goal("net"))
    keys = [(f"C{n}", "EUR") for n in range(40)]
    figures = {"money": {"EUR": {"orders": 1, "net": "0"}, "USD": {"orders": 0, "net": "0"}}}
    present = Span(figures, {}, dict.fromkeys(keys, Decimal(0)))
    one = Span(figures, {}, {**present.nets, ("C3", "EUR"): Decimal(40), ("C4", "USD"): Decimal(9_999)})
    every = Span(figures, {}, dict.fromkeys(keys, Decimal(1)))
    from_one, from_all = (made.gain_interval(present, span) for span in (one, every))
    assert from_one is not None
    assert from_one[0] == 0
    assert from_one[1] > 40
    assert from_all == [40, 40]


def test_the_gain_in_precision_is_paired() -> None:
    """The same warnings gain nothing in any draw; fewer false ones at every customer gain in each."""
    made = Search("version: v1", [], SETTING, Goal("precision", 0.5, 1.0))
    worse = {f"C{n}": Judged(1, (30,), 1, 2, 1.0) for n in range(30)}
    better = {customer: Judged(1, (30,), 1, 1, 1.0) for customer in worse}
    spans = [Span({}, judged, {}) for judged in (worse, worse, better)]
    assert made.gain_interval(spans[0], spans[1]) == [0, 0]
    assert made.gain_interval(spans[0], spans[2]) == pytest.approx([1 / 2 - 1 / 3] * 2)
    assert made.gain_interval(Span({}, {}, {}), Span({}, {}, {})) is None


def test_a_policy_that_stops_everybody_is_bettered(tmp_path: Path) -> None:
    """All bands out of reach: every rated customer is refused, at a great cost, until the bands come down."""
    bands = "PRIME: {enter: 1000, exit: 1000}, STANDARD: {enter: 1000, exit: 990}"
    bands += ", WATCH: {enter: 990, exit: 985}, HIGH_RISK: {enter: 985, exit: 980}"
    found = search(tmp_path, f"version: harsh\nladder: {{{bands}}}").run(8, seed=1)
    assert found["training"]["gain"] > 0
    assert found["parameters"]["bands_shift"] < 0


@pytest.mark.parametrize(("recall", "lead", "value"), [(0.9, 50, 0.4), (0.5, 50, -0.38), (0.9, 20, -0.5)])
def test_precision_counts_only_with_enough_recall_and_lead(recall: float, lead: float, value: float) -> None:
    """Otherwise the shortfall is what counts, below zero."""
    goal = Search("version: v1", [], SETTING, Goal("precision", 0.88, 40.0))
    warned = {"precision": 0.4, "recall": recall, "median_lead_days": lead}
    assert goal.value({"early_warning": warned}) == pytest.approx(value)


def test_sampled_customers_keep_all_their_events(tmp_path: Path) -> None:
    """One of two customers: all that is its, and nothing of the other's."""
    events = past_events(ledger(tmp_path / "ledger.csv"), LedgerFormat())
    found = sampled(events, 1, seed=1)
    (key,) = {event.key for event in found}
    assert found == [event for event in events if event.key == key]
    assert sampled(events, 99, seed=1) == events


def test_the_command_writes_a_policy_that_loads(tmp_path: Path) -> None:
    """tune.json is what --json prints, and tuned-policy.yaml is in it."""
    source = ledger(tmp_path / "ledger.csv")
    done = CliRunner().invoke(
        main, ["tune", str(source), "--out", str(tmp_path), "--trials", "2", "--metric", "net", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "tune.json").read_text(encoding="utf-8"))
    text = (tmp_path / "tuned-policy.yaml").read_text(encoding="utf-8")
    assert parse_policy(text).version == "default-tuned"
    assert text == found["policy"]
