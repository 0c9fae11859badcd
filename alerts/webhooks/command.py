"""``creditpulse subscriptions``: who gets which events as webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from alerts.webhooks import positions, service
from alerts.webhooks.deliveries_command import deliveries, redeliver, replay
from alerts.webhooks.dispatcher import wall_clock
from alerts.webhooks.service import Created
from alerts.webhooks.shown import as_json as shown_json
from alerts.webhooks.shown import one_line, show, trial_shown
from alerts.webhooks.state import read_states
from alerts.webhooks.subscription import WEBHOOK_TOPICS, Filters, NewSubscription, Subscription
from alerts.webhooks.trial import send_test
from schemas.errors import InvalidInput
from schemas.levels import LADDER
from streams.commands.options import FiniteRange, json_option, printable, said_by_option
from streams.commands.show import print_json, tell
from streams.control import Control
from streams.settings import Settings

Answer = TypeVar("Answer")


@click.group()
def subscriptions() -> None:
    """Webhooks: make subscriptions, look at their deliveries, send again. `creditpulse dispatch` delivers."""


@subscriptions.command()
@click.argument("url")
@click.option("--topic", "topics", multiple=True, type=click.Choice(WEBHOOK_TOPICS), help="Default: credit-alerts.")
@click.option("--kind", "kinds", multiple=True, help="tightening, easing, retraction; approve, hold, reject, release.")
@click.option("--level", type=click.Choice([level.value for level in LADDER]), help="This level or worse.")
@click.option("--step", type=int, help="At least so many levels moved.")
@click.option("--score-drop", type=int, help="At least so many points of score lost.")
@click.option("--exposure", "exposures", multiple=True, metavar="CUR=AMOUNT", help="Exposure above it; one is enough.")
@click.option("--segment", "segments", multiple=True, help="Customers of this segment; one is enough.")
@click.option("--sector", "sectors", multiple=True, help="Customers of this sector; one is enough.")
@click.option("--group", "groups", multiple=True, help="Corporate group: its parent's id.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Adds a sentence as `summary`.")
@click.option("--rate", default=20, show_default=True, help="Most requests per second.")
@click.option("--unordered", is_flag=True, help="A customer's events do not wait for each other.")
@click.option("--from-beginning", is_flag=True, help="Also what is in the topics already.")
@click.option("--name", help="For people.")
@said_by_option
@json_option
def add(url: str, as_json: bool, **given: Any) -> None:
    """Make a subscription; prints its secret, which the receiver checks signatures with.

    \b
    Example:  creditpulse subscriptions add https://erp.example.com/hooks/credit --level WATCH --kind tightening
              creditpulse subscriptions add URL --topic order-decisions --exposure EUR=50000 --exposure USD=60000
    Exit codes: 0 done; 1 there are as many as there may be, or no broker answers; 2 the URL, a filter or
    CREDITPULSE_SECRET_KEY is wrong.
    """
    settings, new = Settings(), _new(url, given)

    async def work(control: Control) -> Created:
        find = positions.at_beginning if given["from_beginning"] else positions.now_in
        start = await find(settings, new.filters.topics)
        return await service.create_subscription(control, settings, new, by=given["by"], now=wall_clock(), start=start)

    _tell_secret(_with_control(settings, work), as_json)


@subscriptions.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the subscriptions.

    \b
    Example:  creditpulse subscriptions list --json
    Exit codes: 0 done; 1 no broker answers.
    """

    async def work(control: Control) -> list[Subscription]:
        return service.list_subscriptions(control)

    found = _with_control(Settings(), work)
    if as_json:
        print_json([shown_json(item) for item in found])
    elif not found:
        click.echo("no subscriptions: creditpulse subscriptions add URL")
    for item in [] if as_json else found:
        click.echo(one_line(item))


@subscriptions.command("show")
@click.argument("subscription_id", metavar="ID")
@click.option("--secret", is_flag=True, help="The newest secret as well.")
@json_option
def show_one(subscription_id: str, secret: bool, as_json: bool) -> None:
    """Show a subscription: filters, status, how many events wait or were given up.

    \b
    Example:  creditpulse subscriptions show sub-4f0c12ab90de
    Exit codes: 0 done; 1 there is no such subscription, or no broker answers; 2 the key of the secret is not set.
    """
    settings = Settings()

    async def work(control: Control) -> Subscription:
        return service.get_subscription(control, subscription_id)

    found = _with_control(settings, work)
    state = asyncio.run(read_states(settings)).get(subscription_id)
    told = {"secret": service.newest_secret(settings, found)} if secret else {}
    if as_json:
        print_json(shown_json(found, state) | told)
        return
    show(found, state)
    for name, value in told.items():
        click.echo(f"{name:24} {value}")


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@click.option(
    "--overlap-hours",
    default=24.0,
    show_default=True,
    type=FiniteRange(0, 24 * 90),
    help="How long the old secret signs beside the new one.",
)
@json_option
def rotate(subscription_id: str, overlap_hours: float, as_json: bool) -> None:
    """Make a new secret. The old one signs beside it for a while, so that the receiver can change over.

    \b
    Example:  creditpulse subscriptions rotate sub-4f0c12ab90de --overlap-hours 48
    Exit codes: 0 done; 1 no such subscription, too many secrets still valid, or no broker; 2 the key is not set.
    """
    settings = Settings()

    async def work(control: Control) -> Created:
        overlap = timedelta(hours=overlap_hours)
        return await service.rotate_secret(control, settings, subscription_id, now=wall_clock(), overlap=overlap)

    _tell_secret(_with_control(settings, work), as_json)


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@click.option("--reason", callback=printable, help="Why.")
@json_option
def pause(subscription_id: str, reason: str | None, as_json: bool) -> None:
    """Deliver nothing until `resume`; nothing is lost meanwhile.

    \b
    Example:  creditpulse subscriptions pause sub-4f0c12ab90de --reason "ERP is being moved"
    Exit codes: 0 done; 1 no such subscription, it is disabled, or no broker answers.
    """

    async def work(control: Control) -> Subscription:
        return await service.pause(control, subscription_id, reason=reason, now=wall_clock())

    tell(shown_json(_with_control(Settings(), work)), f"paused {subscription_id}", as_json)


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@json_option
def resume(subscription_id: str, as_json: bool) -> None:
    """Go on where a paused or disabled subscription stopped.

    \b
    Example:  creditpulse subscriptions resume sub-4f0c12ab90de
    Exit codes: 0 done; 1 no such subscription, or no broker answers; 2 its address is not allowed.
    """
    settings = Settings()

    async def work(control: Control) -> Subscription:
        return await service.resume(control, settings, subscription_id, now=wall_clock())

    tell(shown_json(_with_control(settings, work)), f"resumed {subscription_id}", as_json)


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@json_option
def remove(subscription_id: str, as_json: bool) -> None:
    """Remove a subscription and what waits for it; its deliveries stay in the log.

    \b
    Example:  creditpulse subscriptions remove sub-4f0c12ab90de
    Exit codes: 0 done; 1 no such subscription, or no broker answers.
    """
    _with_control(Settings(), lambda control: service.remove(control, subscription_id))
    tell({"removed": subscription_id}, f"removed {subscription_id}", as_json)


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@json_option
@click.pass_context
def test(context: click.Context, subscription_id: str, as_json: bool) -> None:
    """Send a signed test event now, and say what was answered.

    \b
    Example:  creditpulse subscriptions test sub-4f0c12ab90de
    Exit codes: 0 it arrived; 1 it did not, there is no such subscription, or no broker; 2 the key is not set.
    """
    settings = Settings()

    async def work(control: Control) -> Subscription:
        return service.get_subscription(control, subscription_id)

    outcome = trial_shown(asyncio.run(send_test(settings, _with_control(settings, work), wall_clock)))
    if as_json:
        click.echo(outcome.model_dump_json())
    else:
        said = f": {outcome.response}" if outcome.response else ""
        what = "arrived" if outcome.arrived else f"did not arrive ({outcome.error})"
        click.echo(f"{what}, status {outcome.status or '-'}, {outcome.latency_ms} ms{said}")
    context.exit(0 if outcome.arrived else 1)


for _command in (deliveries, redeliver, replay):
    subscriptions.add_command(_command)


def _with_control(settings: Settings, work: Callable[[Control], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with Control(settings) as control:
            return await work(control)

    return asyncio.run(run())


def _new(url: str, given: dict[str, Any]) -> NewSubscription:
    exposures = {}
    for text in given["exposures"]:
        currency, _, amount = text.partition("=")
        try:
            exposures[currency] = Decimal(amount)
        except InvalidOperation as error:
            raise InvalidInput("exposure", f"--exposure {text!r}: must look like EUR=50000", "exposure") from error
    filters = {
        "kinds": given["kinds"], "level_at_or_below": given["level"], "min_level_step": given["step"],
        "min_score_drop": given["score_drop"], "exposure_above": exposures, "segments": given["segments"],
        "sectors": given["sectors"], "groups": given["groups"],
    }  # fmt: skip
    if given["topics"]:
        filters["topics"] = given["topics"]
    try:
        return NewSubscription(
            url=url, name=given["name"], filters=Filters.model_validate(filters), language=given["language"],
            rate_per_second=given["rate"], ordered=not given["unordered"],
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput("subscription", f"{field}: {first['msg']}", field) from error


def _tell_secret(created: Created, as_json: bool) -> None:
    if as_json:
        print_json(shown_json(created.subscription) | {"secret": created.secret})
        return
    click.echo(one_line(created.subscription))
    click.echo(f"secret  {created.secret}")
