"""Tell the other partitions what was learned here, and take in what they tell, all by entries of the log."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

from models.default_risk.risk import EventRisk
from models.default_risk.sharing import SharedRisk, decode_shared, encode_shared
from models.model_keeper import Task
from models.out_events import Cause
from models.partition import PartitionState
from schemas.log import ModelShared


class ModelExchange:
    """One partition's side of the exchange; ``risks`` by task. Its memory is the partition's state."""

    def __init__(self, state: PartitionState, risks: Mapping[Task, EventRisk], partition: int) -> None:
        self._state, self._partition = state, partition
        self._risks = {task: risk for task, risk in risks.items() if risk.is_shared}
        self._pool()

    def report(self, day: int, cause: Cause) -> ModelShared | None:
        """Once a day what was learned here, if something was; None else."""
        state = self._state
        learned = [risk.outcomes for risk in self._risks.values()]
        if day <= state.report_day or learned == state.reported or not any(learned):
            return None
        state.report_day, state.reported = day, learned
        state.report_number += 1
        models = encode_shared({task: risk.shared() for task, risk in self._risks.items()})
        return ModelShared(
            version=1,
            event_id=f"models-{self._partition}-{state.report_number}",
            occurred_at=cause.time,
            partition=self._partition,
            number=state.report_number,
            models=b64encode(models).decode(),
        )

    def hear(self, event: ModelShared) -> None:
        """Take in another partition's report; an older one than is known changes nothing."""
        known = self._state.shared.get(event.partition)
        if event.partition == self._partition or (known is not None and known[0] >= event.number):
            return
        self._state.shared[event.partition] = (event.number, b64decode(event.models))
        self._pool()

    def _pool(self) -> None:
        others: dict[str, list[SharedRisk]] = {task: [] for task in self._risks}
        for _, (_, data) in sorted(self._state.shared.items()):
            for task, shared in decode_shared(data).items():
                others.get(task, []).append(shared)
        for task, risk in self._risks.items():
            risk.pool_with(others[task])
