"""The risk models as they stand in the engine now: who leads, how well, on outcomes that have become certain."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field

from desk.api.services import Services
from desk.model_acts import Task
from models.default_risk.drift import DriftState, population_stability
from models.default_risk.quality import BIN_EDGES, Period
from models.default_risk.risk import RiskState
from models.partition import PartitionState
from models.policy import parse_policy
from schemas.errors import Unavailable


class CalibrationBin(BaseModel):
    """Outcomes of this month whose probability lay in ``low`` to ``high``, and how many of them were bad."""

    low: float
    high: float
    outcomes: int
    bad: int
    mean_probability: float


class Challenger(BaseModel):
    """A model in the shadow. ``mean_gain``: in log-loss per outcome over the champion, since the last promotion."""

    name: str
    outcomes: int
    customers: int
    mean_gain: float


class CheckpointKept(BaseModel):
    """A state of the models that can be put back."""

    name: str
    day: date


class ModelNow(BaseModel):
    """A partition's model of a task: A late payment, foretold at issue; B open for long, foretold when past due.

    The figures are of the month so far, of predictions whose outcome is certain; null while there are none, or only
    of one kind. ``auc`` and ``ks`` are as exact as the bins. ``naive_log_loss``: of the customer's own rate alone.
    ``psi``: population stability index of the scores; null until there is something to compare.
    """

    partition: int
    task: Task
    champion: str
    since: date | None = Field(description="Of the last promotion or restoration.")
    outcomes: int = Field(description="Of all time, and the bad ones of them.")
    bad: int
    month_outcomes: int
    month_bad: int
    log_loss: float | None
    naive_log_loss: float | None
    brier: float | None
    mean_probability: float | None
    auc: float | None
    ks: float | None
    psi: float | None
    trusted: bool = Field(description="Whether the learner has a say; else the customer's rate decides alone.")
    offset: float = Field(description="Recalibration in force, in log-odds.")
    calibration: list[CalibrationBin]
    challengers: list[Challenger]
    checkpoints: list[CheckpointKept]


def models_now(services: Services) -> list[ModelNow]:
    """All models of all partitions that have begun; raises Unavailable while the book is being read."""
    if not services.book.ready.is_set():
        raise Unavailable("the book is still being read")
    found = []
    for partition in range(services.settings.partitions):
        state = services.book.state(partition)
        if state is not None:
            found += [_model(partition, "A", state.risk, state), _model(partition, "B", state.roll, state)]
    return found


def _model(partition: int, task: Task, risk: RiskState, state: PartitionState) -> ModelNow:
    sums = risk.period.all
    auc, ks = risk.period.ranks()
    return ModelNow(
        partition=partition,
        task=task,
        champion=risk.champion,
        since=date.fromordinal(risk.since) if risk.since else None,
        outcomes=risk.outcomes,
        bad=risk.late,
        month_outcomes=sums.n,
        month_bad=sums.positives,
        log_loss=sums.model_log_loss / sums.n if sums.n else None,
        naive_log_loss=sums.naive_log_loss / sums.n if sums.n else None,
        brier=sums.model_brier / sums.n if sums.n else None,
        mean_probability=sums.model_sum / sums.n if sums.n else None,
        auc=auc,
        ks=ks,
        psi=_psi(state.drifts.get(task), state.policy_text),
        trusted=risk.trusted,
        offset=risk.offset,
        calibration=_calibration(risk.period),
        challengers=_challengers(risk),
        checkpoints=[
            CheckpointKept(name=name, day=date.fromordinal(kept.day))
            for name, kept in sorted(state.checkpoints.items(), key=lambda entry: -entry[1].offset)
        ],
    )


def _psi(drift: DriftState | None, policy_text: str) -> float | None:
    if drift is None:
        return None
    rules = parse_policy(policy_text).drift
    if drift.outcomes < 2 * rules.reference_outcomes + rules.recent_outcomes:
        return None
    return population_stability(drift.reference, drift.recent)


def _calibration(period: Period) -> list[CalibrationBin]:
    edges = (0.0, *BIN_EDGES, 1.0)
    found = []
    for place, (good, bad) in enumerate(zip(period.good, period.bad, strict=True)):
        count, low, high = good + bad, edges[place], edges[place + 1]
        if count:
            # A state that was kept by an earlier version has no sums of what was foretold.
            mean = period.foretold[place] / count if period.foretold else (low + high) / 2
            found.append(CalibrationBin(low=low, high=high, outcomes=count, bad=bad, mean_probability=mean))
    return found


def _challengers(risk: RiskState) -> list[Challenger]:
    names = sorted({*risk.challengers, *risk.evidence} - {risk.champion})
    found = []
    for name in names:
        evidence = risk.evidence.get(name)
        found.append(
            Challenger(
                name=name,
                outcomes=evidence.outcomes if evidence else 0,
                customers=evidence.customers if evidence else 0,
                mean_gain=evidence.mean() if evidence else 0.0,
            )
        )
    return found
