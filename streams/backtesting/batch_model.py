"""The bar from above: a batch model, fitted anew each month on all that was certain by then, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.default_risk.risk import Outcome

_LEAST = 200
"""Outcomes, of both classes, that a fit needs; before that the naive rate stands in."""


def batch_probabilities(outcomes: Sequence[Outcome], tested: Sequence[Outcome]) -> list[float]:
    """Probabilities of ``tested`` by logistic regression on the features frozen at prediction.

    Each month's rows are foretold by a fit on the outcomes that had matured before the month began. Deterministic.
    """
    features = _features(outcomes)
    bad = np.array([o.bad for o in outcomes])
    matured = np.array([o.matured for o in outcomes])
    usable = np.array([not o.acted for o in outcomes])
    found = [o.naive for o in tested]
    months: dict[int, list[int]] = {}
    for at, outcome in enumerate(tested):
        months.setdefault(date.fromordinal(outcome.issued).replace(day=1).toordinal(), []).append(at)
    for month, rows in sorted(months.items()):
        known = usable & (matured < month)
        if known.sum() < _LEAST or len(set(bad[known])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(features[known], bad[known])
        for at, p in zip(rows, model.predict_proba(_features([tested[at] for at in rows]))[:, 1], strict=True):
            found[at] = float(p)
    return found


def _features(outcomes: Sequence[Outcome]) -> NDArray[np.float64]:
    return np.array([np.frombuffer(o.features, dtype=np.float32) for o in outcomes], dtype=np.float64)
