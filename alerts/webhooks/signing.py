"""Secrets of webhooks, made when they are needed and stored nowhere; signatures of Standard Webhooks with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from pydantic import SecretStr
from standardwebhooks import Webhook

from schemas.errors import InvalidInput

_SHORTEST_KEY = 32


class SecretKeys:
    """The keys of CREDITPULSE_SECRET_KEY, newest first.

    A secret is HMAC-SHA256(key, subscription and salt): who has the topics has no secret, and nothing has to be
    encrypted. The price: secrets are ours, a receiver cannot bring its own.
    """

    def __init__(self, setting: SecretStr | None) -> None:
        """Raises InvalidInput when there is no key, or one that is too short."""
        texts = [part.strip() for part in (setting.get_secret_value() if setting else "").split(",") if part.strip()]
        if not texts:
            raise InvalidInput(
                "secret_key", "CREDITPULSE_SECRET_KEY is not set: webhooks are signed with it", "secret_key"
            )
        if any(len(text) < _SHORTEST_KEY for text in texts):
            raise InvalidInput(
                "secret_key", f"CREDITPULSE_SECRET_KEY must have at least {_SHORTEST_KEY} characters", "secret_key"
            )
        self._keys = {_name(text.encode()): text.encode() for text in texts}
        self.newest = next(iter(self._keys))
        """Name of the key that new secrets are made from."""

    def secret(self, subscription_id: str, key: str, salt: str) -> str:
        """``whsec_...`` of 32 bytes, the same for the same arguments; raises InvalidInput when the key is gone."""
        if key not in self._keys:
            message = (
                f"the key {key} that this secret was made from is not in CREDITPULSE_SECRET_KEY: add it, or rotate"
            )
            raise InvalidInput("secret_key", message, "secret_key")
        made_of = f"creditpulse webhook secret 1\0{subscription_id}\0{salt}".encode()
        return "whsec_" + base64.b64encode(hmac.digest(self._keys[key], made_of, hashlib.sha256)).decode()


def new_salt() -> str:
    """What tells a subscription's secrets apart."""
    return secrets.token_hex(16)


def webhook_id(event_id: str) -> str:
    """The event's id as header value: the same for each attempt. Full stops would blur what is signed."""
    return quote(event_id, safe="/:_-~@").replace(".", "%2E")


def signed_headers(event_id: str, body: str, at: datetime, with_secrets: Sequence[str]) -> dict[str, str]:
    """The headers of Standard Webhooks, signed with each of the secrets."""
    name = webhook_id(event_id)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(name, at, body) for secret in with_secrets),
    }


def _name(key: bytes) -> str:
    return hmac.digest(key, b"creditpulse key name", hashlib.sha256).hex()[:8]
