"""How hard the property tests look: the same examples each time; CREDITPULSE_EXAMPLES=5000 for a long search."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

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
