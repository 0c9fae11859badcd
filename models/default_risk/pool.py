"""What all partitions know of an event together: counts, scaling and learners from one's own sums and the others'."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from math import exp, fsum
from operator import mul

from models.default_risk.learner import scale_of, scaled
from models.default_risk.segments import SegmentRates
from models.default_risk.sharing import SharedRisk, merged_rates, merged_scale, merged_weights


class Pool:
    """Made anew whenever one of the parts has changed; ``parts`` in the order of the partitions, one's own first."""

    def __init__(
        self,
        parts: Sequence[SharedRisk],
        names: Sequence[str],
        prior_variances: Mapping[str, float],
        segment_weight: float | None,
        correction_prior: float | None,
    ) -> None:
        """``prior_variances``: of the second-order learners by name; others are not pooled."""
        self.outcomes = sum(part.outcomes for part in parts)
        self.late = sum(part.late for part in parts)
        self.segments = SegmentRates(segment_weight, merged_rates([part.segments for part in parts]))
        self.offset = 0.0
        if correction_prior is not None:
            information = correction_prior + fsum(part.correction_information for part in parts)
            self.offset = fsum(part.correction for part in parts) / information
        common = merged_scale([part.scale for part in parts])
        self._scale = scale_of(names, common.means, common.variances)
        self._weights: dict[str, list[float]] = {}
        for name, variance in prior_variances.items():
            known = [(part.learners[name], part.scale) for part in parts if name in part.learners]
            weights = merged_weights(known, common, variance)
            if weights is not None:
                self._weights[name] = weights

    def predict(self, learner: str, packed: bytes) -> float | None:
        """Probability by the pooled learner; None for one that is not pooled."""
        weights = self._weights.get(learner)
        if weights is None:
            return None
        value = fsum(map(mul, weights, scaled(array("f", packed), self._scale)))
        return 1.0 / (1.0 + exp(-value)) if value >= 0.0 else exp(value) / (1.0 + exp(value))
