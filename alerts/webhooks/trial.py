"""A test delivery: a signed event that says nothing but that it is one, sent at once by whoever asks."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime

from alerts.webhooks.addresses import AddressRules
from alerts.webhooks.sender import Outcome, Sender
from alerts.webhooks.signing import SecretKeys
from alerts.webhooks.subscription import Subscription
from alerts.webhooks.transport import TOTAL_SECONDS, Resolver, resolve, webhook_client
from streams.settings import Settings

TEST_TYPE = "creditpulse.webhook-test.v1"


async def send_test(
    settings: Settings,
    subscription: Subscription,
    now: Callable[[], datetime],
    *,
    seconds: float = TOTAL_SECONDS,
    resolver: Resolver = resolve,
) -> Outcome:
    """Send one and say what came of it, whatever the subscription's status; raises InvalidInput without its key."""
    keys, at, event_id = SecretKeys(settings.secret_key), now(), f"test/{secrets.token_hex(8)}"
    event = {
        "specversion": "1.0", "id": event_id, "source": "/creditpulse/webhooks",
        "type": TEST_TYPE, "subject": subscription.id, "time": at.isoformat(), "datacontenttype": "application/json",
        "data": {"text": "creditpulse can reach you. 可以送达。"},
    }  # fmt: skip
    valid = [keys.secret(subscription.id, ref.key, ref.salt) for ref in subscription.valid_secrets(at)]
    rules = AddressRules.parse(settings.webhook_allow)
    plain = subscription.url.startswith("http:")
    client = webhook_client(rules, plain_http=plain, resolver=resolver, seconds=seconds)
    async with client:
        sender = Sender(client, subscription.url, now, total_seconds=seconds)
        return await sender.send(event_id, json.dumps(event, ensure_ascii=False), valid)
