"""Tell the other partitions what was learned here, and take in what they tell, all by entries of the log."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

from models.default_risk.risk import EventRisk
from models.default_risk.sharing import decode_shared, encode_shared
from models.model_keeper import Task
from models.out_events import Cause
from models.partition import PartitionState
from schemas.log import ModelShared

_GROWTH = 0.1
"""New outcomes, as a share of those reported, that are worth a report."""

_LONGEST_DAYS = 7
"""After so many days few of them are, too."""


class ModelExchange:
    """One partition's side of the exchange; ``risks`` by task. Its memory is the partition's state."""

    def __init__(self, state: PartitionState, risks: Mapping[Task, EventRisk], partition: int) -> None:
        self._state, self._partition = state, partition
        self._risks = {task: risk for task, risk in risks.items() if risk.is_shared}
        self._others = {number: decode_shared(data) for number, (_, data) in state.shared.items()}
        self._pool()

    def report(self, day: int, cause: Cause, *, at_once: bool = False) -> list[ModelShared]:
        """What was learned here, at most once a day; ``at_once``: now, because the models were changed.

        Each report makes every partition store its state, and says the less the more outcomes are known already: the
        next one waits until so many are new as make a difference, or for a week.
        """
        state = self._state
        learned = [risk.outcomes for risk in self._risks.values()]
        known, new = sum(state.reported), sum(learned) - sum(state.reported)
        is_due = new >= _GROWTH * known or day - state.report_day >= _LONGEST_DAYS
        is_news = day > state.report_day and learned != state.reported and is_due
        if not any(learned) or not (is_news or at_once):
            return []
        state.report_day, state.reported = day, learned
        state.report_number += 1
        models = encode_shared({task: risk.shared() for task, risk in self._risks.items()})
        report = ModelShared(
            version=1,
            event_id=f"models-{self._partition}-{state.report_number}",
            occurred_at=cause.time,
            partition=self._partition,
            number=state.report_number,
            models=b64encode(models).decode(),
        )
        return [report]

    def hear(self, event: ModelShared) -> None:
        """Take in another partition's report; an older one than is known changes nothing."""
        known = self._state.shared.get(event.partition)
        if event.partition == self._partition or (known is not None and known[0] >= event.number):
            return
        data = b64decode(event.models)
        self._state.shared[event.partition] = (event.number, data)
        self._others[event.partition] = decode_shared(data)
        self._pool()

    def _pool(self) -> None:
        in_order = [models for _, models in sorted(self._others.items())]
        for task, risk in self._risks.items():
            risk.pool_with([models[task] for models in in_order if task in models])
