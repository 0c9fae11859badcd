"""How hard the property tests look: the same examples each time; CREDITPULSE_EXAMPLES=5000 for a long search.

And a watch over all tests of the heart: none of its built-in sums may be one of floats.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import models

_EXAMPLES = os.environ.get("CREDITPULSE_EXAMPLES")

settings.register_profile(
    "models",
    max_examples=int(_EXAMPLES or 60),
    derandomize=_EXAMPLES is None,
    deadline=None,  # nothing is timed in tests
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)
settings.load_profile("models")


@pytest.fixture(scope="session", autouse=True)
def no_sum_of_floats() -> Iterator[None]:
    """Whatever test of this folder makes the heart add floats with ``sum`` fails.

    From Python 3.12 on ``sum`` rounds in another way, so the same log would give other decisions there. ``math.fsum``
    gives the same bits everywhere.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in walk_packages(models.__path__, "models."):
            patch.setattr(import_module(module.name), "sum", _exact_sum, raising=False)
        yield


def _exact_sum(values: Iterable[Any], /, start: Any = 0) -> Any:
    items = list(values)
    assert not any(isinstance(item, float) for item in (start, *items)), "a built-in sum of floats: use math.fsum"
    return builtins.sum(items, start)
