"""Keep a partition's models honest: note drift and quality, judge challengers, promote and restore models.

Everything here follows from log entries. What it finds becomes notes for people (topic ``model-log``); what it changes
are the partition's models alone, and only by a promotion or a restoration, never silently.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from statistics import NormalDist
from typing import Literal

import msgspec

from models.default_risk.drift import DriftWatch
from models.default_risk.evidence import Evidence
from models.default_risk.quality import Period, RunningQuality
from models.default_risk.risk import EventRisk, Outcome, RiskState
from models.out_events import Cause, model_note_out
from models.partition import Checkpoint, PartitionState
from schemas.decisions import ModelNote, ModelNoteKind, OutEvent
from schemas.log import ModelPromoted, ModelRestored
from schemas.policy import Policy

Task = Literal["A", "B"]
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(RiskState)


class ModelKeeper:
    """The models of one partition under one policy; ``risks`` by task."""

    def __init__(self, policy: Policy, state: PartitionState, risks: dict[Task, EventRisk], partition: int) -> None:
        # A relayed event's coordinates are those of the public record, the same in each partition: they do not tell.
        self._policy, self._state, self._risks, self._partition = policy, state, risks, partition
        self._watches = {task: DriftWatch(policy.drift, state.drifts.get(task)) for task in risks}
        self._quantile = NormalDist().inv_cdf(policy.promotion.confidence)

    def keep(self) -> None:
        """Bring the partition's state up to date."""
        state = self._state
        state.risk, state.roll = self._risks["A"].state(), self._risks["B"].state()
        state.drifts = {task: watch.state() for task, watch in self._watches.items()}

    def watch(self, outcome: Outcome, cause: Cause) -> list[OutEvent]:
        """Watch an outcome for drift; a note for each that was found."""
        watch, notes = self._watches[outcome.task], []
        for drifted in watch.add(outcome.model, outcome.bad):
            probability, rate = watch.recent
            note = self._note(
                outcome.task, drifted.kind, cause, statistic=drifted.statistic, threshold=drifted.threshold,
                outcomes=watch.outcomes, mean_probability=probability, rate=rate,
            )  # fmt: skip
            notes.append(note)
        return notes

    def first_of_month(self, day: int, cause: Cause) -> list[OutEvent]:
        """Once a month: the month's quality, a checkpoint, and a look at the challengers (looking at each outcome
        would find one ahead by chance sooner or later)."""
        month = date.fromordinal(day).replace(day=1).toordinal()
        if month == self._state.month:
            return []
        is_first, self._state.month = self._state.month == 0, month
        if is_first:
            return []
        notes = []
        for task, risk in self._risks.items():
            if risk.period.all.n:
                notes.append(self._quality(task, risk, cause))
            risk.period = Period()
        self.checkpoint(date.fromordinal(month).isoformat(), cause, day)
        for task in self._risks:
            notes += self._judge(task, day, cause)
        return notes

    def checkpoint(self, name: str, cause: Cause, day: int) -> None:
        """Keep the models as they are, under a name by which they can be restored."""
        self.keep()
        state = self._state
        state.checkpoints[name] = Checkpoint(
            state.applied, day, {"A": _ENCODER.encode(state.risk), "B": _ENCODER.encode(state.roll)}
        )
        for oldest in list(state.checkpoints)[: -self._policy.promotion.keep_checkpoints]:
            del state.checkpoints[oldest]

    def promote(self, event: ModelPromoted, day: int, cause: Cause) -> list[OutEvent]:
        """Let a challenger lead because a person says so."""
        return self._promote(event.task, event.model, day, cause, by=event.by)

    def restore(self, event: ModelRestored, day: int, cause: Cause) -> list[OutEvent]:
        """Put a task's model back to a checkpoint, in the partition's state: whoever holds models must make them anew.

        Outcomes that come from now on are learned from there. What this partition has learned is bit for bit what it
        was then, and so is what it foretells, if it is the only one; others' models count again when they are put back.
        """
        kept = self._state.checkpoints.get(event.checkpoint)
        if kept is None:
            known = ", ".join(self._state.checkpoints) or "none"
            return [self._note(event.task, "refused", cause, model=event.checkpoint, text=f"checkpoints: {known}")]
        self.keep()
        before = self._risks[event.task].model_version
        restored = _DECODER.decode(kept.models[event.task])
        restored.evidence, restored.since, restored.period = {}, day, Period()
        restored.restored = cause.event_id
        if event.task == "A":
            self._state.risk = restored
        else:
            self._state.roll = restored
        text = f"{event.by}: {event.checkpoint}@{kept.offset} in place of {before}"
        return [self._note(event.task, "restored", cause, model=event.checkpoint, text=text)]

    def _judge(self, task: Task, day: int, cause: Cause) -> Iterator[OutEvent]:
        rules, risk = self._policy.promotion, self._risks[task]
        ahead: list[tuple[float, str, Evidence]] = []
        for name, evidence in sorted(risk.evidence.items()):
            bound = evidence.lower_bound(self._quantile)
            enough = evidence.outcomes >= rules.min_outcomes and evidence.customers >= rules.min_customers
            if enough and bound > 0.0:
                ahead.append((bound, name, evidence))
        if not ahead:
            return
        bound, name, evidence = max(ahead, key=lambda found: (found[0], found[1]))
        figures = {"mean_gain": evidence.mean(), "customers": float(evidence.customers)}
        yield self._note(
            task, "challenger_ahead", cause, model=name, statistic=bound, outcomes=evidence.outcomes, figures=figures
        )
        if not rules.needs_person:
            yield from self._promote(task, name, day, cause, by="policy")

    def _promote(self, task: Task, name: str, day: int, cause: Cause, by: str) -> list[OutEvent]:
        risk = self._risks[task]
        before = risk.champion
        if name not in risk.challengers:
            known = ", ".join(risk.challengers) or "none"
            return [self._note(task, "refused", cause, model=name, text=f"challengers: {known}")]
        self.checkpoint(f"before-{cause.event_id}", cause, day)
        risk.promote(name, day)
        return [self._note(task, "promoted", cause, model=name, text=f"{by}: in place of {before}")]

    def _quality(self, task: Task, risk: EventRisk, cause: Cause) -> OutEvent:
        period, others = risk.period, risk.period.without_largest()
        figures = _figures(period.all)
        figures |= {f"{name}_without_largest": value for name, value in _figures(others).items()}
        auc, ks = period.ranks()
        ranked = {"auc": auc, "ks": ks, "psi": self._watches[task].stability}
        figures |= {name: value for name, value in ranked.items() if value is not None}
        figures |= period.calibration()
        return self._note(
            task, "quality", cause, statistic=figures["log_loss"], threshold=figures["naive_log_loss"],
            outcomes=period.all.n, mean_probability=figures["mean_probability"], rate=figures["rate"], figures=figures,
        )  # fmt: skip

    def _note(
        self,
        task: Task,
        kind: ModelNoteKind,
        cause: Cause,
        *,
        statistic: float = 0.0,
        threshold: float = 0.0,
        outcomes: int | None = None,
        mean_probability: float = 0.0,
        rate: float = 0.0,
        model: str | None = None,
        text: str | None = None,
        figures: dict[str, float] | None = None,
    ) -> OutEvent:
        risk = self._risks[task]
        note = ModelNote(
            task=task, kind=kind, partition=self._partition, statistic=statistic, threshold=threshold,
            outcomes=risk.outcomes if outcomes is None else outcomes,
            mean_probability=mean_probability, rate=rate,
            model_version=risk.model_version, policy_version=self._policy.version,
            model=model, text=text, figures=figures or {},
        )  # fmt: skip
        return model_note_out(self._state, note, cause)


def _figures(sums: RunningQuality) -> dict[str, float]:
    if not sums.n:
        return {}
    return {
        "n": float(sums.n),
        "log_loss": sums.model_log_loss / sums.n,
        "naive_log_loss": sums.naive_log_loss / sums.n,
        "brier": sums.model_brier / sums.n,
        "naive_brier": sums.naive_brier / sums.n,
        "mean_probability": sums.model_sum / sums.n,
        "rate": sums.positives / sums.n,
    }
