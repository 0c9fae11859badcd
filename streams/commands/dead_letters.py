"""``creditpulse dead-letters``: list what was refused, explain one, submit it again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from schemas.decisions import DeadLetterOut
from schemas.errors import InvalidInput
from streams.commands.options import json_option
from streams.commands.show import print_json, print_table, tell
from streams.dead_letter_box import as_event, read_dead_letters, readable_value
from streams.publisher import publish
from streams.settings import Settings


@click.group("dead-letters")
def dead_letters() -> None:
    """Records that the gate refused: nothing of them is lost, and each says why."""


@dead_letters.command("list")
@click.option("--code", help="Only this reason, e.g. wrong_key.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="The newest so many.")
@json_option
def list_letters(code: str | None, limit: int, as_json: bool) -> None:
    """List dead letters, newest last.

    \b
    Example:  creditpulse dead-letters list --code unknown_type
    Exit codes: 0 done; 1 no broker answers.
    """
    letters = [letter for letter in _all() if code in (None, letter.data.reason_code)]
    shown = letters[-limit:]
    if as_json:
        print_json([letter.model_dump(mode="json") for letter in shown])
        return
    if not shown:
        click.echo("no dead letters" if code is None else f"no dead letters with reason {code}")
        return
    rows = []
    for letter in shown:
        refused = f"{letter.recordedtime:%Y-%m-%d %H:%M:%S}Z"
        rows.append([letter.id, refused, letter.data.reason_code, _one_line(letter.data.message)])
    print_table(["id", "refused at", "reason", "message"], rows)
    click.echo(f"{len(shown)} of {len(letters)}; `creditpulse dead-letters explain ID` shows one")


@dead_letters.command()
@click.argument("letter_id", metavar="ID")
@json_option
def explain(letter_id: str, as_json: bool) -> None:
    """Show one dead letter: where it stood, why it was refused, what it holds.

    \b
    Example:  creditpulse dead-letters explain payments/3/17/dead-letter
    Exit codes: 0 done; 1 no broker answers; 2 there is no such dead letter.
    """
    letter = _find(letter_id)
    data = letter.data
    if as_json:
        print_json(letter.model_dump(mode="json"))
        return
    lines = {
        "topic": data.source.topic,
        "partition": data.source.partition,
        "offset": data.source.offset,
        "record time": data.record_time.isoformat(),
        "refused at": letter.recordedtime.isoformat(),
        "reason": data.reason_code,
        "field": data.field or "-",
        "message": _one_line(data.message),
        "value": _one_line(readable_value(data)),
    }
    for name, value in lines.items():
        click.echo(f"{name:12} {value}")
    click.echo(f"\nsubmit again: creditpulse dead-letters resubmit {letter.id} [--value corrected.json]")


@dead_letters.command("resubmit")
@click.argument("letter_ids", metavar="ID...", nargs=-1)
@click.option("--code", help="Instead of ids: all with this reason.")
@click.option(
    "--value", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with the corrected event."
)
@json_option
def resubmit_letters(letter_ids: tuple[str, ...], code: str | None, value: Path | None, as_json: bool) -> None:
    """Publish refused records once more, with their first time and the key of the customer they name.

    Submitting an event twice does no harm: the second changes nothing.

    \b
    Example:  creditpulse dead-letters resubmit payments/3/17/dead-letter --value corrected.json
    Exit codes: 0 published; 1 no broker answers; 2 there is no such dead letter, or an option is wrong.
    """
    if bool(letter_ids) == bool(code):
        raise click.UsageError("give ids, or --code, one of them")
    if value is not None and len(letter_ids) != 1:
        raise click.UsageError("--value goes with exactly one id")
    letters = [letter for letter in _all() if letter.data.reason_code == code] if code else _chosen(letter_ids)
    corrected = value.read_bytes() if value is not None else None
    events = [as_event(letter.data, value=corrected) for letter in letters]
    count = asyncio.run(publish(Settings(), events))
    tell({"submitted": count}, f"submitted {count}", as_json)


def _all() -> list[DeadLetterOut]:
    return asyncio.run(read_dead_letters(Settings()))


def _chosen(ids: tuple[str, ...]) -> list[DeadLetterOut]:
    by_id = {letter.id: letter for letter in _all()}
    for wanted in ids:
        if wanted not in by_id:
            raise InvalidInput("unknown_dead_letter", f"there is no dead letter {wanted!r}")
    return [by_id[wanted] for wanted in ids]


def _find(letter_id: str) -> DeadLetterOut:
    return _chosen((letter_id,))[0]


def _one_line(text: str) -> str:
    """Text of strangers without what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
