"""How processes log: one line per event on stderr, with time (UTC), level and logger."""

from __future__ import annotations

import logging
import time
from typing import Any


def logging_config(level: str) -> dict[str, Any]:
    """A ``logging.config.dictConfig`` for a process of ours."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "streams.log_format.UtcFormatter",
                "fmt": "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s",
                "datefmt": "%Y-%m-%dT%H:%M:%S",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {"aiokafka": {"level": "WARNING"}, "aiohttp.access": {"level": "WARNING"}},
    }


class UtcFormatter(logging.Formatter):
    """Log times in UTC, like every other time of ours."""

    converter = staticmethod(time.gmtime)
