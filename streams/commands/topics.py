"""``creditpulse topics``: make the topics, and list what stands in them."""

from __future__ import annotations

import asyncio

import click

from streams.commands.options import json_option
from streams.commands.show import print_json, print_table, tell
from streams.settings import Settings
from streams.topic_admin import ensure_topics, topic_states


@click.group()
def topics() -> None:
    """Make and list the Kafka topics of creditpulse."""


@topics.command()
@json_option
def create(as_json: bool) -> None:
    """Make the topics that are missing (nothing is changed on those that exist).

    \b
    Example:  CREDITPULSE_PARTITIONS=8 creditpulse topics create
    Exit codes: 0 all topics are there; 1 no broker answers; 2 partitions differ from the settings.
    """
    made = asyncio.run(ensure_topics(Settings()))
    tell({"created": made}, f"made {', '.join(made)}" if made else "all topics are there", as_json)


@topics.command("list")
@json_option
def list_topics(as_json: bool) -> None:
    """List topics with partitions and records.

    \b
    Example:  creditpulse topics list --json
    Exit codes: 0 done; 1 no broker answers.
    """
    states = asyncio.run(topic_states(Settings()))
    if as_json:
        rows = [
            {"topic": s.name, "direction": s.topic.direction, "partitions": s.partitions, "records": s.records}
            for s in states
        ]
        print_json(rows)
        return
    if not states:
        click.echo("no topics yet; `creditpulse topics create` makes them")
        return
    print_table(
        ["topic", "direction", "partitions", "records", "holds"],
        [[s.name, s.topic.direction, str(s.partitions), f"{s.records:,}", s.topic.summary] for s in states],
    )
