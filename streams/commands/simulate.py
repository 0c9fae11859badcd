"""``creditpulse simulate``: a believable portfolio as a file of events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from models.calendar import MS_PER_DAY, to_ms
from schemas.errors import CreditPulseError
from streams.commands.options import json_option
from streams.commands.progress import progress_bar
from streams.commands.show import print_json
from streams.sources.event_file import TimedEvent, write_events
from streams.sources.simulate import Portfolio, customers_of
from streams.sources.simulate import simulate as events_of


@click.command()
@click.option("--customers", default=2_000, show_default=True, type=int, help="How many.")
@click.option(
    "--days", default=365, show_default=True, type=int, help="How many; invoices are then paid for some more."
)
@click.option("--seed", default=7, show_default=True, type=int, help="The same seed gives the same bytes.")
@click.option(
    "--start", default="2025-01-01", show_default=True, type=click.DateTime(["%Y-%m-%d"]), help="The first day."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="events.jsonl[.gz]")
@click.option(
    "--truth", type=click.Path(dir_okay=False, path_type=Path), help="Write what the events do not say (JSON lines)."
)
@json_option
def simulate(
    customers: int, days: int, seed: int, start: datetime, out: Path, truth: Path | None, as_json: bool
) -> None:
    """Simulate a portfolio: payment habits, seasons, sectors, decline, distress, bust-outs, late and corrected news.

    \b
    Example:  creditpulse simulate --customers 500 --days 180 --out events.jsonl.gz --truth truth.jsonl
    Exit codes: 0 done; 1 a file cannot be written; 2 an option is out of range.
    """
    portfolio = Portfolio(customers, days, seed, start.replace(tzinfo=UTC))
    topics: Counter[str] = Counter()
    with progress_bar() as bar:
        task = bar.add_task("days", total=portfolio.days_with_aftermath)

        def counted() -> Iterator[TimedEvent]:
            day = 0
            for event in events_of(portfolio):
                topics[event.topic] += 1
                if event.timestamp_ms // MS_PER_DAY != day:
                    day = event.timestamp_ms // MS_PER_DAY
                    bar.update(task, completed=day - to_ms(portfolio.start) // MS_PER_DAY)
                yield event

        write_events(out, counted())
    try:
        stories = _tell(portfolio, truth)
    except OSError as error:
        raise CreditPulseError(f"{error.filename}: {error.strerror}") from error
    summary = {
        "events": topics.total(),
        "by_topic": dict(sorted(topics.items())),
        "stories": dict(sorted(stories.items())),
    }
    if as_json:
        print_json(summary)
    else:
        told = ", ".join(f"{count:,} {story}" for story, count in sorted(stories.items()))
        click.echo(f"{topics.total():,} events of {customers:,} customers ({told})")
        click.echo(f"wrote {out}; publish them with: creditpulse replay {out}")


def _tell(portfolio: Portfolio, truth: Path | None) -> Counter[str]:
    stories: Counter[str] = Counter()
    lines = []
    for customer in customers_of(portfolio):
        stories[customer.story] += 1
        lines.append(
            json.dumps({"customer_id": customer.customer_id, "story": customer.story, "turns_on_day": customer.turns})
        )
    if truth is not None:
        truth.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return stories
