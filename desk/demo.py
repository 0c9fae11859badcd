"""``creditpulse demo``: everything on embedded parts, from one command, shown as it happens."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import cast

import click
from rich.console import Console

from alerts.texts import LANGUAGES, Language
from desk.demo_parts import DemoParts, fresh_directory
from desk.demo_report import closing_lines, report
from desk.demo_run import DemoRun, Plan, Show
from desk.demo_show import LiveShow, PlainShow, SilentShow
from desk.demo_source import demo_events
from desk.labels import label
from streams.commands.show import print_json
from streams.sources.event_file import TimedEvent
from streams.sources.replay import parse_speed

DEFAULT_SPEED = "43200x"
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class _Options:
    """What was asked for; ``speed`` None = as fast as possible."""

    events: Iterable[TimedEvent]
    speed: float | None
    history: int
    exit_when_done: bool
    as_json: bool
    language: Language
    data_dir: Path
    desk: bool


@click.command()
@click.option(
    "--customers", type=click.IntRange(1, 100_000), default=400, show_default=True, help="Simulated customers."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the simulation; same seed, same events.")
@click.option("--ledger", type=click.Path(path_type=Path), help="Replay this invoice ledger instead of a simulation.")
@click.option("--events-file", type=click.Path(path_type=Path), help="Replay this file of events (see `import`).")
@click.option("--events", type=click.IntRange(min=1), help="Stop publishing after so many events.")
@click.option(
    "--speed",
    default=DEFAULT_SPEED,
    show_default=True,
    help="Book time per wall time (1x, 3600x), or max. 43200x: a day in 2 s.",
)
@click.option(
    "--history", type=click.IntRange(min=0), default=90, show_default=True,
    help="Days to load at full speed first: a customer needs a past before a level can be trusted.",
)  # fmt: skip
@click.option("--desk/--no-desk", default=True, show_default=True, help="Serve the risk desk's pages as well.")
@click.option("--exit-when-done", is_flag=True, help="End when everything published has had its effect.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, nothing else on stdout.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the screen.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="New directory for all data [default: data/demo-TIME]."
)
def demo(
    customers: int,
    seed: int,
    ledger: Path | None,
    events_file: Path | None,
    events: int | None,
    speed: str,
    history: int,
    desk: bool,
    exit_when_done: bool,
    as_json: bool,
    lang: str,
    data_dir: Path | None,
) -> None:
    """Start all parts on this machine, feed them events, and show what they decide, here and on the risk desk.

    Nothing has to be installed beside creditpulse; all parts listen on 127.0.0.1 and end with this command.

    \b
    Examples:  creditpulse demo
               creditpulse demo --lang zh --speed 86400x
               creditpulse demo --ledger ledger.csv.gz --speed max --exit-when-done
               creditpulse demo --events 5000 --speed max --exit-when-done --json
    Exit codes: 0 done, or stopped by Ctrl-C; 1 a part failed (its log is shown); 2 wrong input.
    """
    if ledger is not None and events_file is not None:
        raise click.UsageError("--ledger and --events-file exclude each other")
    pace = parse_speed(speed)
    source = demo_events(customers=customers, seed=seed, ledger=ledger, events_file=events_file, most=events)
    made_up = data_dir is None
    where = fresh_directory(data_dir or Path("data") / f"demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    options = _Options(source, pace, history, exit_when_done, as_json, cast(Language, lang), where, desk)
    try:
        _demo(options)
    except KeyboardInterrupt:
        click.echo(f"stopped; logs: {where / 'logs'}", err=True)
        if made_up and not any(where.glob("logs/*")):
            shutil.rmtree(where, ignore_errors=True)


def _demo(options: _Options) -> None:
    signal.signal(signal.SIGTERM, _as_interrupt)
    if not options.as_json:
        click.echo(f"{label('parts', options.language)} {options.data_dir}")
    with DemoParts(options.data_dir, full_speed=options.speed is None, desk=options.desk) as parts:
        if parts.desk_url is not None:
            click.echo(f"{label('desk_soon', options.language)}: {parts.desk_url}", err=options.as_json)
        join = parts.write_environment()
        click.echo(f"{label('join', options.language)}:  . {shlex.quote(str(join))}", err=options.as_json)
        run, finished = asyncio.run(_run(parts, options))
        if not options.as_json:
            click.echo(f"{label('stopping', options.language)} ...")
    if options.as_json:
        print_json(report(run, parts, finished=finished))
    else:
        for line in closing_lines(run, parts, options.language, finished=finished):
            click.echo(line)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


async def _run(parts: DemoParts, options: _Options) -> tuple[DemoRun, bool]:
    show = _show(options, parts.desk_url)
    try:
        plan = Plan(options.events, options.speed, options.history, options.exit_when_done)
        run = DemoRun(parts, plan, show)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, run.stop.set)
        finished = await run.run()
        show.beat(run)
    finally:
        show.close()
    return run, finished


def _show(options: _Options, desk_url: str | None) -> Show:
    if options.as_json:
        return SilentShow()
    if not sys.stdout.isatty():
        return PlainShow(options.language)
    seconds = None if options.speed is None else _DAY_SECONDS / options.speed
    pace = "" if seconds is None else f"1 d = {seconds:,.3g} s"
    return LiveShow(Console(), options.language, pace, desk_url or "")
