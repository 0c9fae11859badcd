"""Run the engine over past events in process and measure what it would have decided and predicted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol, TextIO

from models.calendar import day_of
from models.default_risk.risk import Outcome
from models.engine import CreditEngine, Effects
from schemas.decisions import AlertKind, CreditAlert, CreditLevelChanged, ModelNote, OutEvent
from schemas.levels import Level
from schemas.log import LogEntry
from schemas.topics import TICKS
from streams.backtesting.early_warning import early_warning_report
from streams.backtesting.fairness import fairness_report
from streams.backtesting.groups import customer_groups
from streams.backtesting.levels import History, levels_over_time, migration
from streams.backtesting.quality import prediction_report, segments_report
from streams.backtesting.truth import Truth
from streams.in_process import InProcess
from streams.sources.event_file import TimedEvent


class Observer(Protocol):
    """Looks on while the engine runs and adds sections to the report; it must not change the engine."""

    def before(self, engine: CreditEngine, entry: LogEntry) -> None:
        """The entry is about to be applied by the engine of its partition."""

    def after(self, entry: LogEntry, effects: Effects) -> None:
        """The entry has been applied."""

    def sections(self, tally: Tally) -> dict[str, Any]:
        """What the observer adds to the report, by section; plain data."""


@dataclass(slots=True)
class Tally:
    """What a run produced."""

    events: int = 0
    ticks: int = 0
    entries: int = 0
    decisions: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    notes: list[OutEvent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)
    tightened: dict[str, list[int]] = field(default_factory=dict)
    levels: History = field(default_factory=dict)
    engine_seconds: float = 0.0

    def add(self, effects: Effects) -> None:
        """Count the effects of one log entry."""
        self.entries += 1
        for event in effects.out:
            if isinstance(event.data, ModelNote):
                self.notes.append(event)
                continue
            self.decisions += 1
            if isinstance(event.data, CreditLevelChanged):
                step = (day_of(event.time), event.data.level.value)
                self.levels.setdefault(event.subject, []).append(step)
            if isinstance(event.data, CreditAlert):
                self.alerts[event.data.kind.value] += 1
                if _warns(event.data):
                    self.tightened.setdefault(event.subject, []).append(day_of(event.time))
        self.outcomes += effects.outcomes


def _warns(alert: CreditAlert) -> bool:
    """A step down to WATCH or worse; cuts of terms at the same level are no new warning."""
    stepped = alert.kind is AlertKind.TIGHTENING and alert.level is not alert.level_before
    return stepped and alert.level in (Level.WATCH, Level.HIGH_RISK, Level.BLOCKED)


def run_backtest(
    process: InProcess,
    events: Iterable[TimedEvent],
    decisions: TextIO | None,
    progress: Callable[[], None] = lambda: None,
    observers: Sequence[Observer] = (),
) -> Tally:
    """Apply all events; each decision becomes a line of ``decisions`` (JSON), if it is kept."""
    tally = Tally()

    def counted() -> Iterator[TimedEvent]:
        for event in events:
            yield event
            if event.topic == TICKS:
                tally.ticks += 1
            else:
                tally.events += 1
                tally.truth.add(event)
                progress()

    for partition, offset, entry in process.log(counted()):
        engine = process.engines[partition]
        for observer in observers:
            observer.before(engine, entry)
        start = perf_counter()
        effects = engine.apply(offset, entry)
        tally.engine_seconds += perf_counter() - start
        process.hear(effects)
        tally.add(effects)
        for observer in observers:
            observer.after(entry, effects)
        for out in effects.out:
            if decisions is not None and not isinstance(out.data, ModelNote):  # those stand in the report
                decisions.write(out.model_dump_json() + "\n")
    return tally


def report(
    tally: Tally, process: InProcess, observers: Sequence[Observer] = (), *, batch: bool = False
) -> dict[str, Any]:
    """The report as plain data; docs/credit-science.md explains how predictions and warnings are scored."""
    levels = Counter(a.level for accounts in process.accounts for a in accounts.by_id.values())
    reasons = Counter(error.code for _, error in process.refused)
    customers, last_day = tally.truth.by_customer(), tally.truth.last_day
    masters = {a.customer_id: a.master for accounts in process.accounts for a in accounts.by_id.values()}
    groups = customer_groups(customers, masters, last_day)
    warned, rules = early_warning_report(tally.truth, tally.tightened)
    found = {
        "events": tally.events,
        "ticks": tally.ticks,
        "log_entries": tally.entries,
        "customers": sum(levels.values()),
        "partitions": len(process.engines),
        "decisions": tally.decisions,
        "alerts": {"total": sum(tally.alerts.values()), **dict(sorted(tally.alerts.items()))},
        "levels": dict(sorted(levels.items())),
        "dead_letters": {"total": len(process.refused), **dict(sorted(reasons.items()))},
        "policy_version": process.engines[0].policy.version,
        "model_log": [{"time": note.time.isoformat(), **note.data.model_dump(mode="json")} for note in tally.notes],
        "prediction": prediction_report(tally.outcomes, batch=batch),
        "early_warning": warned,
        "early_warning_rules": rules,
        "segments": segments_report(tally.outcomes, groups, tally.tightened),
        "fairness": fairness_report(customers, groups, tally.tightened, last_day),
        "levels_over_time": levels_over_time(tally.levels, last_day),
        "migration": migration(tally.levels, last_day),
        "us_per_event": tally.engine_seconds / tally.entries * 1e6 if tally.entries else None,
    }
    for observer in observers:
        found |= observer.sections(tally)
    return found
