"""``creditpulse alerts routing``: is the routing file right, and who would be told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from alerts.routing.config import Routing, channel_url
from alerts.routing.durations import duration_text
from alerts.routing.matchers import LABELS
from alerts.routing.routing_text import read_routing
from alerts.routing.tree import Destination, destinations
from schemas.errors import InvalidInput
from streams.commands.options import json_option
from streams.commands.show import print_json

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def routing() -> None:
    """The routing file: who is told of alerts, when, and how."""


@routing.command()
@click.argument("file", type=_FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check a routing file; each mistake is told with its line. Channels without a URL here are named.

    \b
    Example:  creditpulse alerts routing check routing.yaml
    Exit codes: 0 right; 2 wrong.
    """
    found = read_routing(file)
    missing = _without_url(found)
    told = {"version": found.version, "receivers": len(found.receivers), "channels_without_url": missing}
    if as_json:
        print_json(told)
        return
    click.echo(f"{file}: right, version {found.version}, {len(found.receivers)} receivers")
    for reference in missing:
        click.echo(f"{reference} is not set in this environment; creditpulse dispatch will need it")


@routing.command()
@click.argument("file", type=_FILE)
@click.option("--label", "labels", multiple=True, required=True, help="name=value, as often as needed.")
@json_option
def explain(file: Path, labels: tuple[str, ...], as_json: bool) -> None:
    """Say which routes an alert with these labels takes, and what its groups are.

    \b
    Example:  creditpulse alerts routing explain routing.yaml --label customer=C1 --label level=BLOCKED
    Exit codes: 0 done; 2 the file or a label is wrong.
    """
    named = dict(_label(text) for text in labels)
    found = [_shown(one, named) for one in destinations(read_routing(file).route, named)]
    if as_json:
        print_json(found)
        return
    for one in found:
        group = " ".join(f"{name}={value}" for name, value in one["group"].items()) or "all alerts"
        click.echo(f"{one['receiver']}  (route {one['route']})")
        click.echo(f"  group:  {group}; first after {one['group_wait']}, news every {one['group_interval']}")
        click.echo(f"  repeat: {one['repeat_interval']}, then x{one['repeat_factor']:g} up to {one['repeat_max']}")


def _label(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or name not in LABELS:
        raise InvalidInput("label", f"--label {text!r}: must be name=value with one of {', '.join(LABELS)}", "label")
    return name, value


def _without_url(found: Routing) -> list[str]:
    missing = []
    for reference in sorted({channel for receiver in found.receivers for channel in receiver.channels}):
        try:
            channel_url(reference, os.environ)
        except InvalidInput:
            missing.append(reference)
    return missing


def _shown(where: Destination, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "receiver": where.receiver,
        "route": where.path,
        "group": where.group_labels(labels),
        "group_wait": duration_text(where.group_wait),
        "group_interval": duration_text(where.group_interval),
        "repeat_interval": duration_text(where.repeat_interval),
        "repeat_factor": where.repeat_factor,
        "repeat_max": duration_text(where.repeat_max),
    }
