"""Signatures of Standard Webhooks, and secrets that are made and not kept."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.webhooks.signing import SecretKeys, new_salt, signed_headers, webhook_id
from schemas.errors import InvalidInput

NEW, OLD = "n" * 32, "o" * 32


@pytest.mark.parametrize(
    ("secret", "event_id", "at", "body", "signature"),
    [  # of the specification's libraries, and of its authors' manual
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
            '{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", 1731705121,
            '{"event_type":"ping","data":{"success":true}}', "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
    ],
)  # fmt: skip
def test_reference_vectors(secret: str, event_id: str, at: int, body: str, signature: str) -> None:
    headers = signed_headers(event_id, body, datetime.fromtimestamp(at, UTC), [secret])
    assert headers == {"webhook-id": event_id, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_each_secret_signs() -> None:
    """A receiver with any of the valid secrets accepts, one with another does not, nor a changed body."""
    keys = SecretKeys(SecretStr(NEW))
    one, two, other = (keys.secret("sub-1", keys.newest, salt) for salt in ("a", "b", "c"))
    headers = signed_headers("ticks/0/1/C 1/tightening", '{"名":1}', datetime.now(UTC), [one, two])
    for secret in (one, two):
        assert Webhook(secret).verify('{"名":1}', headers) == {"名": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify('{"名":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(one).verify('{"名":2}', headers)


@pytest.mark.parametrize(
    ("event_id", "header"),
    [
        ("ticks/0/178/C00029/tightening", "ticks/0/178/C00029/tightening"),
        ("orders/1/2/Müller & Co. KG/hold", "orders/1/2/M%C3%BCller%20%26%20Co%2E%20KG/hold"),
        ("a\r\nX: 1", "a%0D%0AX:%201"),
    ],
)
def test_ids_fit_into_a_header(event_id: str, header: str) -> None:
    """ASCII, no line breaks, no full stop (which parts what is signed), and different ids stay different."""
    assert webhook_id(event_id) == header


def test_secrets_follow_from_key_subscription_and_salt() -> None:
    """Always the same, 32 bytes, another for each subscription, salt and key."""
    keys = SecretKeys(SecretStr(NEW))
    secret = keys.secret("sub-1", keys.newest, "a")
    assert secret == SecretKeys(SecretStr(NEW)).secret("sub-1", keys.newest, "a")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    old = SecretKeys(SecretStr(OLD))
    others = {keys.secret("sub-2", keys.newest, "a"), keys.secret("sub-1", keys.newest, "b"),
              old.secret("sub-1", old.newest, "a")}  # fmt: skip
    assert len(others | {secret}) == 4
    assert new_salt() != new_salt()


def test_the_key_can_be_changed() -> None:
    """new,old: secrets of the old key still work, new ones are made from the new; without the old they are gone."""
    old = SecretKeys(SecretStr(OLD))
    both = SecretKeys(SecretStr(f"{NEW}, {OLD}"))
    assert both.newest != old.newest
    assert both.secret("s", old.newest, "a") == old.secret("s", old.newest, "a")
    with pytest.raises(InvalidInput, match="not in CREDITPULSE_SECRET_KEY"):
        SecretKeys(SecretStr(NEW)).secret("s", old.newest, "a")


@pytest.mark.parametrize("key", [None, "", " , ", "short", f"{NEW},short"])
def test_without_a_good_key_there_are_no_secrets(key: str | None) -> None:
    with pytest.raises(InvalidInput, match="CREDITPULSE_SECRET_KEY"):
        SecretKeys(None if key is None else SecretStr(key))
