"""Search a policy's thresholds on an early span of the past, and see on the later span whether the gain holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, Literal

import numpy as np
import optuna
import yaml

from models.calendar import day_of_ms
from models.policy import parse_policy
from models.policy_layers import laid_over
from schemas.levels import Level
from schemas.policy import Policy
from schemas.topics import PUBLIC_BROADCASTS
from streams.backtesting.compare import Setting, run_policy
from streams.backtesting.early_warning import Judged, judge
from streams.backtesting.intervals import drawn_customers, percentile_interval
from streams.backtesting.money import money_by
from streams.backtesting.warning_figures import WarningSums, warning_figures
from streams.sources.event_file import TimedEvent

Metric = Literal["precision", "net"]
TRAINING_SHARE = 0.7
_BANDS = (Level.PRIME, Level.STANDARD, Level.WATCH, Level.HIGH_RISK)


@dataclass(frozen=True, slots=True)
class Goal:
    """What to search for: warning precision with enough recall and lead, or money in the main currency."""

    metric: Metric = "precision"
    recall: float = 0.88
    lead_days: float = 40.0


def suggested(trial: optuna.Trial, base: Policy) -> dict[str, Any]:
    """A point of the search space, as settings to lay over the policy; docs/policy.md lists the space.

    All bands move together, so that they never overlap; caps beyond the second stay as they are.
    """
    shift = trial.suggest_int("bands_shift", -60, 60, step=10)
    watch = trial.suggest_int("ageing_first_days", 10, 30)
    high = watch + trial.suggest_int("ageing_second_days_later", 5, 30)
    found: dict[str, Any] = {
        "ladder": {
            "dwell_days": trial.suggest_int("dwell_days", 7, 60),
            "probation_days": trial.suggest_int("probation_days", 14, 90),
        },
        "knock_outs": {},
        "materiality": {
            "amount_days": round(trial.suggest_float("amount_days", 5_000, 500_000, log=True)),
            "share_to_hold": round(trial.suggest_float("share_to_hold", 0.002, 0.05, log=True), 4),
        },
    }
    for level in _BANDS:
        band = base.ladder.band(level)
        found["ladder"][level.value] = {"enter": _points(band.enter + shift), "exit": _points(band.exit + shift)}
    caps = [cap.model_dump(mode="json") for cap in base.knock_outs.ageing]
    for cap, days in zip(caps, (watch, high), strict=False):
        cap["days_past_due"] = days
    found["knock_outs"]["ageing"] = caps
    if base.knock_outs.early:
        early = [cap.model_dump(mode="json") for cap in base.knock_outs.early]
        early[0]["probability"] = round(trial.suggest_float("early_probability", 0.3, 0.95), 2)
        found["knock_outs"]["early"] = early
    return found


def _points(value: float) -> float:
    return min(1000.0, max(0.0, value))


@dataclass(frozen=True, slots=True)
class Span:
    """A policy's figures on a span, with what each customer brings to them: warnings, and net by currency."""

    figures: dict[str, Any]
    judged: dict[str, Judged]
    nets: dict[tuple[str, str], Decimal]


def _main_currency(money: Mapping[str, Any]) -> str | None:
    # One currency only: amounts of two are not compared. The one with most orders.
    return max(money, key=lambda currency: (money[currency]["orders"], currency), default=None)


@dataclass(slots=True)
class Search:
    """The past, cut in two, and the policy that is to be tuned."""

    text: str
    events: Sequence[TimedEvent]
    setting: Setting
    goal: Goal

    @property
    def cut(self) -> int:
        """The first day (ordinal) of the later span."""
        first, last = self.events[0].timestamp_ms, self.events[-1].timestamp_ms
        return day_of_ms(int(first + (last - first) * TRAINING_SHARE)) + 1

    def tuned_text(self, changes: dict[str, Any]) -> str:
        """The policy file with the changes in it."""
        document = yaml.safe_load(self.text)
        version = f"{document.get('version', 'policy')}-tuned"
        return yaml.safe_dump({**laid_over(document, changes), "version": version}, sort_keys=False, allow_unicode=True)

    def span(self, text: str, *, later: bool) -> Span:
        """A policy on the early span, or on the later one (run through both)."""
        cut = self.cut
        events = self.events if later else [event for event in self.events if day_of_ms(event.timestamp_ms) < cut]
        setting = self.setting if later else replace(self.setting, trailing_days=0)
        tally, _, holds = run_policy(text, events, setting)
        orders = [order for order in holds.orders if not later or order.day >= cut]
        money = (orders, tally.truth, setting.assumptions, holds.late_days)
        by_currency = money_by(*money, lambda order: order.currency)
        judged = judge(tally.truth, tally.tightened, since=cut if later else 0)
        figures: dict[str, Any] = {
            "early_warning": warning_figures(judged),
            "money": {currency: sums.plain() for currency, sums in sorted(by_currency.items())},
        }
        nets = money_by(*money, lambda order: (order.customer_id, order.currency))
        return Span(figures, judged, {key: sums.net for key, sums in nets.items()})

    def gain_interval(self, present: Span, tuned: Span) -> list[float] | None:
        """95 % interval of the gain in value, both policies on the same draws of customers; None without any."""
        if self.goal.metric == "net":
            main = _main_currency(present.figures["money"])
            keys = sorted({key for key in (*present.nets, *tuned.nets) if key[1] == main})
            gains = np.array([float(tuned.nets.get(key, 0) - present.nets.get(key, 0)) for key in keys])
            return percentile_interval([float(weight @ gains) for weight in drawn_customers(len(keys))])
        drawn = zip(WarningSums(present.judged).drawn(), WarningSums(tuned.judged).drawn(), strict=True)
        return percentile_interval([self._warned(after) - self._warned(before) for before, after in drawn])

    def value(self, figures: dict[str, Any]) -> float:
        """How good the figures are for the goal; the higher the better."""
        if self.goal.metric == "net":
            main = _main_currency(figures["money"])
            return float(figures["money"][main]["net"]) if main is not None else 0.0
        return self._warned(figures["early_warning"])

    def _warned(self, warned: Mapping[str, Any]) -> float:
        if warned["precision"] is None or warned["recall"] is None or warned["median_lead_days"] is None:
            return -2.0
        short = max(0.0, self.goal.recall - warned["recall"])
        short += max(0.0, self.goal.lead_days - warned["median_lead_days"]) / self.goal.lead_days
        return float(warned["precision"]) if short == 0.0 else -short

    def run(self, trials: int, seed: int, progress: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Search, then look at the later span: figures of the present and of the tuned policy on both."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        base = parse_policy(self.text)
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        present = self.span(self.text, later=False).figures
        best: dict[str, Any] = {"value": self.value(present), "changes": {}, "figures": present, "parameters": {}}
        progress()

        def objective(trial: optuna.Trial) -> float:
            changes = suggested(trial, base)
            figures = self.span(self.tuned_text(changes), later=False).figures
            value = self.value(figures)
            if value > best["value"]:
                best.update(value=value, changes=changes, figures=figures, parameters=dict(trial.params))
            progress()
            return value

        study.optimize(objective, n_trials=trials)
        text = self.tuned_text(best["changes"])
        later = {"present": self.span(self.text, later=True), "tuned": self.span(text, later=True)}
        progress()
        gain = self.value(best["figures"]) - self.value(present)
        validation = {name: span.figures for name, span in later.items()}
        gain_later = self.value(validation["tuned"]) - self.value(validation["present"])
        interval = self.gain_interval(later["present"], later["tuned"])
        return {
            "metric": self.goal.metric, "trials": trials, "seed": seed, "parameters": best["parameters"],
            "training": {"present": present, "tuned": best["figures"], "gain": gain},
            "validation": {**validation, "gain": gain_later, "gain_interval": interval},
            "holds": gain > 0 and interval is not None and interval[0] > 0,
            "policy": text,
        }  # fmt: skip


def sampled(events: Sequence[TimedEvent], customers: int, seed: int) -> list[TimedEvent]:
    """The events of so many customers, drawn with the seed, and those that concern everybody."""
    keys = sorted({event.key for event in events if event.key is not None and event.topic not in PUBLIC_BROADCASTS})
    chosen = set(Random(seed).sample(keys, min(customers, len(keys))))
    return [event for event in events if event.key in chosen or event.topic in PUBLIC_BROADCASTS]
