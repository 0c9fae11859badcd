"""The past as events, for whoever runs the engine over it: a ledger, or a file of events."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import InvalidInput
from schemas.topics import TICKS
from streams.sources.event_file import TimedEvent, read_events
from streams.sources.ledger import LedgerFormat, ledger_events


def past_events(source: Path, form: LedgerFormat) -> list[TimedEvent]:
    """All events in order of time, without ticks.

    Raises:
        InvalidInput: the file is of no known kind, or holds what cannot be used.
    """
    if source.name.endswith((".jsonl", ".jsonl.gz")):
        return [event for event in read_events(source) if event.topic != TICKS]
    if source.name.endswith((".csv", ".csv.gz", ".parquet")):
        return ledger_events(source, form)
    message = f"{source}: neither a ledger (.csv, .csv.gz, .parquet) nor events (.jsonl, .jsonl.gz)"
    raise InvalidInput("unknown_format", message)
