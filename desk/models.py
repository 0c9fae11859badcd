"""``creditpulse models``: what the model log says, and a person's word on promotions and restorations."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import cast

import click

from alerts.commands.options import language_option
from alerts.model_notes import note_sentence
from alerts.texts import Language
from desk.model_acts import Task, promotion, restoration
from schemas.decisions import ModelNoteOut
from schemas.log import ModelPromoted, ModelRestored
from schemas.topics import MODEL_LOG, POLICY
from streams.commands.options import json_option, said_by_option
from streams.commands.show import print_json, tell
from streams.publisher import publish
from streams.settings import Settings
from streams.sources.event_file import timed
from streams.topic_reader import read_to_end

_TASK = click.Choice(["A", "B"])


@click.group()
def models() -> None:
    """Watch the risk models; promote a challenger, or put a model back to a checkpoint."""


@models.command("log")
@language_option
@json_option
def log(lang: str, as_json: bool) -> None:
    """List the model log: monthly quality, drift, challengers that are ahead, promotions, restorations.

    \b
    Example:  creditpulse models log --json
    Exit codes: 0 done; 1 no broker answers.
    """
    notes = asyncio.run(_notes(Settings()))
    if as_json:
        print_json([note.model_dump(mode="json") for note in notes])
        return
    if not notes:
        click.echo("no notes yet: the first come on the first of a month")
        return
    for note in notes:
        click.echo(f"{note.time.date().isoformat()}  {note_sentence(note.data, cast(Language, lang))}")


@models.command()
@click.argument("task", type=_TASK)
@click.argument("model")
@said_by_option
@json_option
def promote(task: str, model: str, by: str, as_json: bool) -> None:
    """Let the challenger MODEL lead for TASK, in every partition; the champion goes on in the shadow.

    What it led to stands in the model log: `promoted`, or `refused` where no challenger has that name.

    \b
    Example:  creditpulse models promote A quick --by ana
    Exit codes: 0 sent; 1 no broker answers; 2 wrong task.
    """
    now = datetime.now(UTC)
    _send(promotion(cast(Task, task), model, by, now), now, as_json)


@models.command()
@click.argument("task", type=_TASK)
@click.argument("checkpoint")
@said_by_option
@json_option
def restore(task: str, checkpoint: str, by: str, as_json: bool) -> None:
    """Put TASK's model back to a CHECKPOINT, in every partition; it scores bit for bit as it did then.

    Checkpoints are named after the first of each month, or `before-` and the event of a promotion or policy.

    \b
    Example:  creditpulse models restore A 2026-11-01 --by ana
    Exit codes: 0 sent; 1 no broker answers; 2 wrong task.
    """
    now = datetime.now(UTC)
    _send(restoration(cast(Task, task), checkpoint, by, now), now, as_json)


def _send(event: ModelPromoted | ModelRestored, now: datetime, as_json: bool) -> None:
    asyncio.run(publish(Settings(), [timed(POLICY, now, event)]))
    words = f"sent {event.event_id}; `creditpulse models log` shows what came of it"
    tell({"sent": event.event_id}, words, as_json)


async def _notes(settings: Settings) -> list[ModelNoteOut]:
    found = {}
    async for record in read_to_end(settings, MODEL_LOG):
        note = ModelNoteOut.model_validate_json(record.value or b"")
        found[note.id] = note  # sent again after a crash, it is the same note
    return sorted(found.values(), key=lambda note: (note.time, note.id))
