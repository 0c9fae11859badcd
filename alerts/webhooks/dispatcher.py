"""The webhook dispatcher: one courier per active subscription, each by itself, so that none waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from alerts.webhooks import requests
from alerts.webhooks.addresses import AddressRules
from alerts.webhooks.courier import WINDOW, Courier, Parts
from alerts.webhooks.requests import DeliveryRequest, carry_out
from alerts.webhooks.schedule import Schedule
from alerts.webhooks.sender import Sender
from alerts.webhooks.signing import SecretKeys
from alerts.webhooks.state import DeliveryState, StateStore
from alerts.webhooks.subscription import KIND, Subscription
from alerts.webhooks.transport import TOTAL_SECONDS, webhook_client
from schemas.errors import CreditPulseError
from streams.control import Control, Value
from streams.settings import Settings

log = logging.getLogger(__name__)

_TRY_AGAIN_SECONDS = (1.0, 30.0)


def wall_clock() -> datetime:
    """The present time."""
    return datetime.now(UTC)


class WebhookDispatcher:
    """A service: ``await WebhookDispatcher(settings).run(stop)``. One process at a time; a second one would send
    twice. It follows the control topic: subscriptions that are added, paused, rotated or removed take effect at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        schedule: Schedule | None = None,
        timeout_seconds: float = TOTAL_SECONDS,
        now: Callable[[], datetime] = wall_clock,
        window: int = WINDOW,
        count_attempt: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        """``window``: events that a subscription holds at once; ``count_attempt`` hears the outcome of each attempt."""
        self._settings, self._schedule, self._now = settings, schedule or Schedule(), now
        self._timeout, self._window, self._count_attempt = timeout_seconds, window, count_attempt
        self._rules = AddressRules.parse(settings.webhook_allow)
        self._changes: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set; what is under way then is finished. Raises Unavailable without broker."""
        async with AsyncExitStack() as stack:
            self._store = await stack.enter_async_context(StateStore(self._settings, self._count_attempt))
            self._control = await stack.enter_async_context(Control(self._settings, self._heard))
            for subscription_id in {*self._control.all(KIND), *self._store.known()}:
                self._poke(subscription_id)
            await stop.wait()
            self._stopping = True
            for change in self._changes.values():
                change.set()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _heard(self, kind: str, record_id: str, value: Value | None) -> None:
        if kind == KIND:
            self._poke(record_id)
        elif kind == requests.KIND and value is not None:
            self._poke(record_id.partition("/")[0])

    def _poke(self, subscription_id: str) -> None:
        if subscription_id in self._tasks:
            self._changes[subscription_id].set()
        else:
            self._changes[subscription_id] = asyncio.Event()
            task = asyncio.create_task(self._tend(subscription_id), name=f"webhook {subscription_id}")
            self._tasks[subscription_id] = task

    async def _tend(self, subscription_id: str) -> None:
        """Look after one subscription as long as it exists: begin anew with each change and after each failure."""
        least, most = _TRY_AGAIN_SECONDS
        pause = least
        change = self._changes[subscription_id]
        while not self._stopping:
            change.clear()
            try:
                if not await self._serve(subscription_id, change):
                    break
                pause = least
            except (CreditPulseError, ValidationError) as error:
                log.error("%s: %s; trying again in %.0f s", subscription_id, error, pause)
            except Exception:
                log.exception("%s: trying again in %.0f s", subscription_id, pause)
            else:
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(change.wait(), pause)
            pause = min(pause * 2, most)
        del self._tasks[subscription_id], self._changes[subscription_id]

    async def _serve(self, subscription_id: str, change: asyncio.Event) -> bool:
        """Until the next change; False when the subscription is not there any more."""
        record = self._control.get(KIND, subscription_id)
        if record is None:
            if subscription_id in self._store.known():
                await self._store.delete(subscription_id)
            return change.is_set()
        subscription = Subscription.model_validate(record)
        if subscription.status != "active":
            await change.wait()
            return True
        state = await self._asked(subscription)
        if change.is_set():
            return True
        reason = await self._deliver(subscription, state, change)
        if reason is not None:
            await self._disable(subscription_id, reason)
        return True

    async def _deliver(self, subscription: Subscription, state: DeliveryState, change: asyncio.Event) -> str | None:
        keys = SecretKeys(self._settings.secret_key)
        parts = Parts(self._settings, self._store, keys, self._schedule, self._now, self._window)
        plain = subscription.url.startswith("http:")
        client = webhook_client(self._rules, plain_http=plain, seconds=self._timeout)
        sender = Sender(client, subscription.url, self._now, total_seconds=self._timeout)
        try:
            return await Courier(parts, subscription, state, sender).run(change)
        finally:
            await sender.close()

    async def _asked(self, subscription: Subscription) -> DeliveryState:
        """The state, with what people have asked for since it was stored."""
        state = self._store.get(subscription.id) or DeliveryState({})
        state.positions = subscription.start | state.positions  # also of a topic that was subscribed to later
        asked = {
            request_id: DeliveryRequest.model_validate(value)
            for request_id, value in self._control.all(requests.KIND).items()
            if request_id.startswith(f"{subscription.id}/")
        }
        new = [request_id for request_id, request in asked.items() if carry_out(state, request_id, request)]
        if new:
            await self._store.write(subscription.id, state)
        for request_id in asked:
            await self._control.delete(requests.KIND, request_id)
        return state

    async def _disable(self, subscription_id: str, reason: str) -> None:
        record: dict[str, Any] | None = self._control.get(KIND, subscription_id)
        if record is not None and record["status"] == "active":
            log.warning("%s is disabled: %s", subscription_id, reason)
            told = {"status": "disabled", "reason": reason, "changed_at": self._now().isoformat()}
            await self._control.put(KIND, subscription_id, {**record, **told})
