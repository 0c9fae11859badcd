"""``creditpulse audit``: check the audit trail, and hand out what others need to check it themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from pydantic import TypeAdapter, ValidationError

from schemas.audit import AuditCheckpoint
from schemas.errors import InvalidInput
from schemas.fields import UtcTime
from streams.archive.reader import Reader
from streams.audit.checkpoints import published, read_checkpoints
from streams.audit.export import Exported, export_all, export_customer
from streams.audit.export_file import writing
from streams.audit.outcome import Outcome
from streams.audit.verify import Advance, Span, verify_archive
from streams.audit.verify_file import verify_file
from streams.commands.options import json_option
from streams.commands.progress import progress_bar
from streams.commands.show import print_json, tell
from streams.settings import Settings

_TIME: TypeAdapter[datetime] = TypeAdapter(UtcTime)
_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_OUT = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group()
def audit() -> None:
    """Check the hash-chained record of all decisions; export it with proofs."""


@audit.command()
@click.option("--from", "first", help="Check from this event time (ISO 8601) or sequence on.")
@click.option("--to", "last", help="Check up to this event time or sequence.")
@click.option("--file", "path", type=_FILE, help="Check this export instead of the archive.")
@click.option("--checkpoints", "known", type=_FILE, help="Checkpoints kept elsewhere (default: from the broker).")
@json_option
def verify(first: str | None, last: str | None, path: Path | None, known: Path | None, as_json: bool) -> None:
    """Compute every hash again and name the first entry of each partition that is not what was sealed.

    Compares with the archive's own hashes and with published checkpoints. With --from it starts at the last
    checkpoint before. With --file and --checkpoints it needs neither broker nor archive.

    \b
    Example:  creditpulse audit verify
              creditpulse audit verify --from 2026-01-01T00:00:00Z --json
              creditpulse audit verify --file C-17.jsonl.gz --checkpoints checkpoints.jsonl
    Exit codes: 0 all is as it was sealed; 1 it is not, or a part is away; 2 wrong input.
    """
    checkpoints = None if known is None else read_checkpoints(known)
    with _bar("checking") as advance:
        if path is None:
            span = Span(_end("from", first), _end("to", last))
            outcome = asyncio.run(_verify(Settings(), checkpoints, span, advance))
        elif first or last:
            raise InvalidInput("file", "an export is checked whole: leave out --from and --to", field="file")
        else:
            outcome = verify_file(path, checkpoints, advance)
    _tell(outcome, as_json)
    raise SystemExit(1 if outcome.broken else 0)


@audit.command()
@click.option("--customer", help="Only this customer's entries, with proofs that show nothing of others.")
@click.option("--all", "everything", is_flag=True, help="All entries of all customers, with their chain.")
@click.option("--out", "path", type=_OUT, required=True, help="The file to write; gzipped if named .gz.")
@click.option("--checkpoints", "known", type=_FILE, help="Prove by these checkpoints (default: from the broker).")
@json_option
def export(customer: str | None, everything: bool, path: Path, known: Path | None, as_json: bool) -> None:
    """Write what an outside party needs to check decisions; give it the file of `audit checkpoints` too.

    \b
    Example:  creditpulse audit export --customer C-17 --out C-17.jsonl.gz
              creditpulse audit export --all --out audit.jsonl.gz
    Exit codes: 0 written; 1 no such customer, nothing covered by a checkpoint yet, or a part is away; 2 wrong input.
    """
    if everything == (customer is not None):
        raise InvalidInput("customer", "give either --customer or --all", field="customer")
    with _bar("reading") as advance:
        checkpoints = None if known is None else read_checkpoints(known)
        done = asyncio.run(_export(Settings(), customer, checkpoints, path, advance))
    rest = f"; {done.uncovered} newer ones are not yet covered by a checkpoint" if done.uncovered else ""
    found = {"file": str(path), "entries": done.entries, "uncovered": done.uncovered}
    tell(found, f"{done.entries:,} entries in {path}{rest}", as_json)


@audit.command()
@click.option("--out", "path", type=_OUT, required=True, help="The file to write, one JSON object a line.")
@json_option
def checkpoints(path: Path, as_json: bool) -> None:
    """Write all published checkpoints into a file, to be kept where nobody of us can change it.

    \b
    Example:  creditpulse audit checkpoints --out checkpoints.jsonl
    Exit codes: 0 written; 1 no broker answers; 2 the file cannot be written.
    """
    found = asyncio.run(published(Settings()))
    with writing(path) as file:
        for out in found:
            file.write(out.model_dump_json().encode() + b"\n")
    tell({"file": str(path), "checkpoints": len(found)}, f"{len(found):,} checkpoints in {path}", as_json)


def _end(name: str, text: str | None) -> datetime | int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    try:
        return _TIME.validate_python(text)
    except ValidationError as error:
        message = f"--{name}: neither a sequence nor a time such as 2026-03-31T09:00:00Z: {text[:60]!r}"
        raise InvalidInput(name, message, field=name) from error


async def _verify(
    settings: Settings, checkpoints: list[AuditCheckpoint] | None, span: Span, advance: Advance
) -> Outcome:
    if checkpoints is None:
        checkpoints = [out.data for out in await published(settings)]
    async with Reader(settings) as reader:
        return await verify_archive(reader, checkpoints, span, advance)


async def _export(
    settings: Settings, customer: str | None, known: list[AuditCheckpoint] | None, path: Path, advance: Advance
) -> Exported:
    now = datetime.now(UTC)
    if customer is None:
        async with Reader(settings) as reader:
            return await export_all(reader, path, now, advance)
    if known is None:
        known = [out.data for out in await published(settings)]
    async with Reader(settings) as reader:
        return await export_customer(reader, customer, known, path, now, advance)


def _tell(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome.as_json())
        return
    for broken in outcome.broken:
        click.echo(f"BROKEN  {broken}")
    for note in outcome.notes:
        click.echo(f"note    {note}")
    verdict = "as sealed before the first broken one" if outcome.broken else "as they were sealed"
    agree = f"{outcome.checkpoints:,} checkpoints agree"
    click.echo(f"{outcome.entries:,} entries in {len(outcome.partitions)} partitions are {verdict}; {agree}")


@contextmanager
def _bar(what: str) -> Iterator[Advance]:
    with progress_bar() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
