"""One model for the whole book: what a partition's model has learned, as sums that those of others are added to.

A second-order learner's posterior is a Gaussian; what its partition's outcomes have added to the prior is a matrix of
information and a vector, and these add up over partitions (a product of experts: V. Tresp, "A Bayesian committee
machine", Neural Computation 12, 2000). Each partition scales features by its own figures, so what others report is
first brought to the scale of all (an affine change of basis). Counts of outcomes simply add up.

A partition learns from its own outcomes alone; what others report only enters its predictions, so nothing that comes
back is counted twice. Gradient learners have no such sums and stay local.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum, isfinite

import msgspec

Matrix = list[list[float]]


class ScaleSums(msgspec.Struct, array_like=True):
    """Outcomes scaled so far, and mean and variance of each feature, in the order of the learner's weights."""

    count: int
    means: list[float]
    variances: list[float]


class Information(msgspec.Struct, array_like=True):
    """What outcomes have added to a learner's prior, intercept first: precision, and precision x weights."""

    matrix: Matrix
    vector: list[float]


class SharedRisk(msgspec.Struct, array_like=True):
    """What one partition knows of one event. ``correction`` and ``correction_information`` are the recalibration's
    offset x information, and information beyond its prior; ``advantage`` that of the learner ``champion`` over the
    rate, in log-loss. ``names`` are the features', in the order of the weights; ``restored`` is the id of the event
    that last put the model back to a checkpoint: only models with the same past can be added."""

    outcomes: int
    late: int
    segments: dict[str, list[int]]
    scale: ScaleSums
    learners: dict[str, Information]
    correction: float = 0.0
    correction_information: float = 0.0
    advantage: float = 0.0
    names: list[str] = []
    champion: str = ""
    restored: str = ""


def check_shared(shared: SharedRisk) -> None:
    """Raise ValueError, with the reason, where the sums cannot be those of a partition."""
    scale, size = shared.scale, len(shared.names)
    if not 0 <= shared.late <= shared.outcomes or scale.count < 0:
        raise ValueError("counts are impossible")
    if any(len(counts) != 2 or not 0 <= counts[1] <= counts[0] for counts in shared.segments.values()):
        raise ValueError("counts of a segment are impossible")
    if len(scale.means) != size or len(scale.variances) != size or any(value < 0.0 for value in scale.variances):
        raise ValueError(f"the scaling is not one of {size} features")
    numbers = [*scale.means, *scale.variances, shared.correction, shared.correction_information, shared.advantage]
    for name, learner in shared.learners.items():
        if [len(row) for row in learner.matrix] != [size + 1] * (size + 1) or len(learner.vector) != size + 1:
            raise ValueError(f"learner {name!r} is not one of {size} features")
        numbers += learner.vector
        for row in learner.matrix:
            numbers += row
    if shared.correction_information < 0.0 or not all(map(isfinite, numbers)):
        raise ValueError("a number is infinite, or none, or negative where it cannot be")


def own_information(weights: Sequence[float], covariance: Matrix, prior_precision: float) -> Information:
    """What a posterior holds beyond a prior with this precision on each weight and mean zero."""
    precision = inverse(covariance)
    vector = [fsum(a * w for a, w in zip(row, weights, strict=True)) for row in precision]
    for at, row in enumerate(precision):
        row[at] -= prior_precision
    return Information(precision, vector)


def merged_scale(scales: Sequence[ScaleSums]) -> ScaleSums:
    """Mean and variance over all partitions' outcomes (the parallel formula of Chan et al. 1979)."""
    count = sum(scale.count for scale in scales)
    size = len(scales[0].means)
    if not count:
        return ScaleSums(0, [0.0] * size, [0.0] * size)
    means = [fsum(s.count * s.means[at] for s in scales if s.count) / count for at in range(size)]
    variances = [
        fsum(s.count * (s.variances[at] + (s.means[at] - means[at]) ** 2) for s in scales if s.count) / count
        for at in range(size)
    ]
    return ScaleSums(count, means, variances)


def merged_weights(
    parts: Sequence[tuple[Information, ScaleSums]], scale: ScaleSums, prior_variance: float
) -> list[float] | None:
    """The weights, on the common ``scale``, of a learner that has all the information; intercept first.

    None where the sums are no precision (not positive definite): nothing can be foretold from them.
    """
    size = len(scale.means) + 1
    matrix = [[1.0 / prior_variance if row == column else 0.0 for column in range(size)] for row in range(size)]
    vector = [0.0] * size
    for information, own in parts:
        moved = _rescaled(information, own, scale)
        for at in range(size):
            vector[at] += moved.vector[at]
            row, extra = matrix[at], moved.matrix[at]
            for column in range(size):
                row[column] += extra[column]
    return _solved(matrix, vector)


def merged_rates(all_counts: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """Outcomes and bad ones by segment over all partitions."""
    found: dict[str, list[int]] = {}
    for counts in all_counts:
        for segment, (outcomes, bad) in counts.items():
            total = found.setdefault(segment, [0, 0])
            total[0] += outcomes
            total[1] += bad
    return found


def _rescaled(information: Information, own: ScaleSums, common: ScaleSums) -> Information:
    """Information about weights of features on their own scale, as information on the common one.

    With z = T z_own, where T shifts and stretches: matrix -> T matrix T', vector -> T vector.
    """
    stretch, shift = [1.0], [0.0]
    for mean, variance, to_mean, to_variance in zip(
        own.means, own.variances, common.means, common.variances, strict=True
    ):
        deviation = to_variance**0.5
        # A feature that never varied is zero on its own scale: nothing was learned of it there.
        stretch.append(variance**0.5 / deviation if deviation else 0.0)
        shift.append((mean - to_mean) / deviation if deviation else 0.0)
    left = [_moved(row, stretch, shift) for row in information.matrix]  # matrix T'
    columns = [_moved([row[at] for row in left], stretch, shift) for at in range(len(stretch))]
    matrix = [[columns[column][row] for column in range(len(stretch))] for row in range(len(stretch))]
    return Information(matrix, _moved(information.vector, stretch, shift))


def _moved(values: Sequence[float], stretch: Sequence[float], shift: Sequence[float]) -> list[float]:
    first = values[0]
    return [a * value + b * first for a, b, value in zip(stretch, shift, values, strict=True)]


def _solved(matrix: Matrix, vector: Sequence[float]) -> list[float] | None:
    """x with matrix x = vector by Gaussian elimination; None unless the matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, vector, strict=True)]
    size = len(rows)
    for at in range(size):
        own = rows[at]
        if not own[at] > 0.0:
            return None
        for below in range(at + 1, size):
            factor = rows[below][at] / own[at]
            if factor:
                rows[below] = [value - factor * mine for value, mine in zip(rows[below], own, strict=True)]
    found = [0.0] * size
    for at in reversed(range(size)):
        known = fsum(rows[at][column] * found[column] for column in range(at + 1, size))
        found[at] = (rows[at][size] - known) / rows[at][at]
    return found


def inverse(matrix: Matrix) -> Matrix:
    """The inverse of a positive definite matrix (Gauss-Jordan; plain numbers give the same bits everywhere)."""
    size = len(matrix)
    rows = [[*row, *(1.0 if at == column else 0.0 for column in range(size))] for at, row in enumerate(matrix)]
    for at in range(size):
        pivot = rows[at][at]
        own = rows[at] = [value / pivot for value in rows[at]]
        for other in range(size):
            factor = rows[other][at]
            if other != at and factor:
                rows[other] = [value - factor * mine for value, mine in zip(rows[other], own, strict=True)]
    return [row[size:] for row in rows]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[str, SharedRisk])


def encode_shared(models: Mapping[str, SharedRisk]) -> bytes:
    """By task, as msgpack."""
    return _ENCODER.encode(models)


def decode_shared(data: bytes) -> dict[str, SharedRisk]:
    """What ``encode_shared`` made; raises msgspec.MsgspecError for anything else."""
    return _DECODER.decode(data)
