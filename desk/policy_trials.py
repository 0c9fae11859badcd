"""A draft policy on the past, in money: `creditpulse compare` in a process of its own, one at a time, with progress.

The past is what the public topics hold; the policy in force is A, the draft B.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from desk.api.roles import Person, Role, may
from models.calendar import MS_PER_DAY, to_ms
from models.policy import layered_policy
from schemas.errors import Conflict, CreditPulseError, InvalidInput
from schemas.topics import BY_NAME, CUSTOMER_TOPICS, MARKET
from streams.archive.errors import NotFound
from streams.settings import Settings
from streams.sources.event_file import TimedEvent, write_events
from streams.tasks import end_task
from streams.topic_reader import read_to_end

log = logging.getLogger(__name__)

TRIES = Role.ANALYST
_KEPT = 10
_MOST_EVENTS = 500_000
_NICE = "5"


class Trial(BaseModel):
    """A comparison that runs or has run. ``progress``: 0 to 1. ``found``: as `creditpulse compare --json` tells it,
    ``a`` the policy in force, ``b`` the draft."""

    id: str
    by: str
    started: datetime
    state: Literal["reading", "running", "done", "failed"] = "reading"
    progress: float = Field(default=0.0, ge=0.0, le=1.0)
    events: int = 0
    version: str
    message: str | None = None
    found: dict[str, Any] | None = None


class PolicyTrials:
    """``async with PolicyTrials(settings) as trials``; what still runs at the end is ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._trials: dict[str, Trial] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> PolicyTrials:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_task(self._task)

    def start(self, who: Person, draft: str, in_force: str, now: datetime, until: datetime) -> Trial:
        """Begin a comparison at ``now``; the past goes on ``until`` then, the clock of the book.

        Raises:
            Refused: the role (403).
            InvalidInput: the draft is no policy; says where.
            Conflict: another one is running.
        """
        may(who, TRIES)
        version = layered_policy(draft, "draft").base.version
        if self._task is not None and not self._task.done():
            raise Conflict("another comparison is running: wait for its end, or stop it", "trial_running")
        trial = Trial(id=uuid4().hex[:12], by=who.name, started=now, version=version)
        self._trials[trial.id] = trial
        for oldest in list(self._trials)[:-_KEPT]:
            del self._trials[oldest]
        self._task = asyncio.create_task(self._run(trial.id, draft, in_force, until), name="policy trial")
        return trial

    def get(self, trial_id: str) -> Trial:
        """A comparison as it stands; raises NotFound, also when it is one of long ago."""
        found = self._trials.get(trial_id)
        if found is None:
            raise NotFound(f"there is no comparison {trial_id[:40]!r}")
        return found

    def all(self) -> list[Trial]:
        """Those that are remembered, the newest first."""
        return list(reversed(self._trials.values()))

    async def stop(self, who: Person, trial_id: str) -> Trial:
        """End one that runs; raises Refused (403), NotFound."""
        may(who, TRIES)
        if self.get(trial_id).state in ("reading", "running"):
            await end_task(self._task)
            self._set(trial_id, state="failed", message=f"stopped by {who.name}")
        return self.get(trial_id)

    async def _run(self, trial_id: str, draft: str, in_force: str, until: datetime) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="creditpulse-") as folder:
                place = Path(folder)
                events = await past_of(self._settings)
                (place / "in-force.yaml").write_text(in_force, encoding="utf-8")
                (place / "draft.yaml").write_text(draft, encoding="utf-8")
                await asyncio.to_thread(write_events, place / "past.jsonl", events)
                self._set(trial_id, state="running", events=len(events))
                # Not a day more: one on which nobody paid, because it has not been yet, makes everybody late.
                quiet_days = (to_ms(until) - events[-1].timestamp_ms) // MS_PER_DAY if events else 0
                options = ("--trailing-days", max(0, quiet_days), "--partitions", self._settings.partitions)
                found = await _compare(place, options, lambda share: self._set(trial_id, progress=share))
            self._set(trial_id, state="done", progress=1.0, found=found)
        except CreditPulseError as error:
            self._set(trial_id, state="failed", message=str(error))
        except Exception:
            log.exception("policy trial %s", trial_id)
            self._set(trial_id, state="failed", message="it ended unexpectedly; our log says why")

    def _set(self, trial_id: str, **changes: Any) -> None:
        known = self._trials.get(trial_id)
        if known is not None:
            self._trials[trial_id] = known.model_copy(update=changes)


async def past_of(settings: Settings) -> list[TimedEvent]:
    """All events of customers and markets that the public topics hold, in order of time, without policies.

    Raises:
        InvalidInput: there are too many to try a policy on from a page.
        Unavailable: the broker does not answer.
    """
    events = []
    for topic in (*sorted(CUSTOMER_TOPICS), MARKET):
        contract = BY_NAME[topic].contract
        async for record in read_to_end(settings, topic):
            try:
                contract.validate_json(record.value or b"")
            except ValidationError:
                continue  # a dead letter: it had no effect
            key = None if record.key is None else record.key.decode("utf-8", "replace")
            events.append(TimedEvent(topic, key, record.timestamp, record.value or b""))
            if len(events) > _MOST_EVENTS:
                message = f"the past has more than {_MOST_EVENTS:,} events: use `creditpulse compare` on an export"
                raise InvalidInput("too_many_events", message)
    return sorted(events, key=lambda event: event.timestamp_ms)


async def _compare(place: Path, options: Iterable[object], progress: Callable[[float], None]) -> dict[str, Any]:
    command = (
        "nice", "-n", _NICE, sys.executable, "-m", "streams.cli", "compare",
        "in-force.yaml", "draft.yaml", "past.jsonl", "--json", "--progress-lines", *map(str, options),
    )  # fmt: skip
    out = place / "found.json"
    with out.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=place, stdout=file, stderr=asyncio.subprocess.PIPE, env=dict(os.environ)
        )
        said = []
        try:
            async for line in cast(asyncio.StreamReader, process.stderr):
                text = line.decode("utf-8", "replace").strip()
                done, slash, total = text.partition("/")
                if slash and done.isdigit() and total.isdigit():
                    progress(int(done) / max(1, int(total)))
                else:
                    said.append(text)
            await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    if process.returncode:
        told = " ".join(said[-3:])[:500].removeprefix("creditpulse: ")
        raise InvalidInput("comparison_failed", told or "the comparison ended without a word")
    found: dict[str, Any] = json.loads(out.read_bytes())
    return found
