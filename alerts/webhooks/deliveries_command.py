"""``creditpulse subscriptions deliveries, redeliver, replay``: what was delivered, and sending it again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click
import msgspec

from alerts.plain import plain
from alerts.webhooks import again
from alerts.webhooks.dispatcher import wall_clock
from alerts.webhooks.state import DeadDelivery
from models.calendar import from_ms
from schemas.deliveries import DeliveryOut
from streams.commands.options import json_option, printable, said_by_option
from streams.commands.show import print_json, tell
from streams.control import Control
from streams.settings import Settings


@click.command()
@click.argument("subscription_id", metavar="ID")
@click.option("--dead", is_flag=True, help="Only events that were given up and have not arrived since.")
@click.option("--failed", is_flag=True, help="Only attempts that failed.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="The newest so many.")
@json_option
def deliveries(subscription_id: str, dead: bool, failed: bool, limit: int, as_json: bool) -> None:
    """List the attempts to deliver to a subscription, newest last.

    \b
    Example:  creditpulse subscriptions deliveries sub-4f0c12ab90de --failed
              creditpulse subscriptions deliveries sub-4f0c12ab90de --dead --json
    Exit codes: 0 done; 1 there is no such subscription, or no broker answers.
    """
    settings = Settings()

    async def attempts() -> list[DeliveryOut]:
        async with Control(settings) as control:
            return await again.delivery_log(control, settings, subscription_id, failed=failed)

    async def given_up() -> list[DeadDelivery]:
        async with Control(settings) as control:
            return await again.dead_deliveries(control, settings, subscription_id)

    if dead:
        items = asyncio.run(given_up())[-limit:]
        _show([msgspec.to_builtins(item) for item in items], [_dead_line(item) for item in items], as_json)
        return
    shown = asyncio.run(attempts())[-limit:]
    _show([entry.model_dump(mode="json") for entry in shown], [_line(entry) for entry in shown], as_json)


@click.command()
@click.argument("subscription_id", metavar="ID")
@click.argument("event_ids", metavar="EVENT_ID...", nargs=-1)
@click.option("--dead", is_flag=True, help="Instead of ids: everything that was given up.")
@said_by_option
@json_option
def redeliver(subscription_id: str, event_ids: tuple[str, ...], dead: bool, by: str, as_json: bool) -> None:
    """Send events again, with the same webhook-id. `subscriptions deliveries` shows their ids.

    \b
    Example:  creditpulse subscriptions redeliver sub-4f0c12ab90de ticks/0/178/C00029/tightening
              creditpulse subscriptions redeliver sub-4f0c12ab90de --dead
    Exit codes: 0 the dispatcher will send them; 1 no such subscription, or no broker; 2 an id is not in its log.
    """
    if bool(event_ids) == dead:
        raise click.UsageError("give ids, or --dead, one of them")
    settings = Settings()

    async def ask() -> int:
        async with Control(settings) as control:
            if dead:
                return await again.redeliver_dead(control, settings, subscription_id, by=by, now=wall_clock())
            return await again.redeliver(control, settings, subscription_id, event_ids, by=by, now=wall_clock())

    count = asyncio.run(ask())
    tell({"events": count}, f"asked for {count} to be sent again", as_json)


@click.command()
@click.argument("subscription_id", metavar="ID")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]), help="Time in UTC.")
@click.option("--customer", callback=printable, help="Only this customer's events ...")
@click.option("--from-sequence", type=click.IntRange(1), help="... from this sequence on.")
@said_by_option
@json_option
def replay(
    subscription_id: str,
    since: datetime | None,
    customer: str | None,
    from_sequence: int | None,
    by: str,
    as_json: bool,
) -> None:
    """Send everything again from a time on, or a customer's events from a sequence on; ids stay the same.

    \b
    Example:  creditpulse subscriptions replay sub-4f0c12ab90de --since 2026-03-01
              creditpulse subscriptions replay sub-4f0c12ab90de --customer C-17 --from-sequence 12
    Exit codes: 0 the dispatcher will send them; 1 no such subscription, or no broker; 2 nothing or too much is there.
    """
    by_customer = customer is not None and from_sequence is not None
    if (since is None) != by_customer or (customer is None) != (from_sequence is None):
        raise click.UsageError("give --since, or --customer with --from-sequence, one of them")
    settings = Settings()

    async def ask() -> tuple[int | None, str]:
        async with Control(settings) as control:
            if since is not None:
                at = since.replace(tzinfo=UTC)
                await again.replay_since(control, settings, subscription_id, at, by=by, now=wall_clock())
                return None, f"everything since {at.isoformat()}"
            count = await again.replay_customer(
                control, settings, subscription_id, str(customer), from_sequence or 1, by=by, now=wall_clock()
            )
            return count, f"{count} of {plain(customer)}"

    count, what = asyncio.run(ask())
    tell({"events": count}, f"asked for {what} to be sent again", as_json)


def _show(values: list[dict[str, object]], lines: list[str], as_json: bool) -> None:
    if as_json:
        print_json(values)
        return
    for line in lines or ["none"]:
        click.echo(line)


def _line(entry: DeliveryOut) -> str:
    data = entry.data
    what = data.status or data.error or "-"
    after = f", next {data.next_attempt:%Y-%m-%d %H:%M:%S}Z" if data.next_attempt else ""
    said = f": {data.response}" if data.response else ""
    head = f"{entry.time:%Y-%m-%d %H:%M:%S}Z  {data.outcome} {what} attempt {data.attempt} {data.latency_ms} ms"
    return plain(f"{head}  {data.event_id}{after}{said}", 700)


def _dead_line(item: DeadDelivery) -> str:
    at = from_ms(item.at_ms)
    return plain(f"{at:%Y-%m-%d %H:%M:%S}Z  {item.event_id}  {item.attempts} attempts, the last: {item.error}", 700)
