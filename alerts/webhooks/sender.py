"""One attempt: sign, post, and say what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import httpx

from alerts.webhooks.addresses import AddressRefused
from alerts.webhooks.signing import signed_headers
from alerts.webhooks.transport import TOTAL_SECONDS
from schemas.deliveries import DeliveryError

_MOST_READ, _MOST_KEPT = 1_024, 300
_BODY_SECONDS = 2.0
_GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """``error`` None: it arrived. ``response``: the beginning of a failed answer's body, printable."""

    status: int | None
    error: DeliveryError | None
    latency_ms: int
    response: str | None = None
    retry_after: float | None = None

    @property
    def gone(self) -> bool:
        """The receiver wants no more."""
        return self.status == _GONE


class Sender:
    """Posts events to one URL."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, now: Callable[[], datetime], *, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._client, self._url, self._now, self._total = client, url, now, total_seconds
        self._agent = f"creditpulse/{version('creditpulse')}"

    async def send(self, event_id: str, body: str, secrets: Sequence[str]) -> Outcome:
        """Send an event once; every way to fail is an outcome, within ``total_seconds``."""
        headers = signed_headers(event_id, body, self._now(), secrets) | {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "user-agent": self._agent,
        }
        began = time.monotonic()

        def failed(error: DeliveryError, said: str) -> Outcome:
            return Outcome(None, error, _ms_since(began), _printable(said.encode()))

        try:
            async with (
                asyncio.timeout(self._total),
                self._client.stream("POST", self._url, content=body.encode(), headers=headers) as response,
            ):
                latency = _ms_since(began)
                return _judged(response, latency, await _beginning(response))
        except (TimeoutError, httpx.TimeoutException) as error:
            return failed("timeout", str(error))
        except AddressRefused as error:
            return failed("address", str(error))
        except httpx.NetworkError as error:
            return failed("connect", str(error))
        except httpx.HTTPError as error:
            return failed("protocol", str(error))

    async def close(self) -> None:
        """Give up its connections."""
        await self._client.aclose()


def _judged(response: httpx.Response, latency: int, body: bytes) -> Outcome:
    status = response.status_code
    if response.is_success:
        return Outcome(status, None, latency)
    error: DeliveryError = "redirect" if 300 <= status < 400 else "status"
    return Outcome(status, error, latency, _printable(body), _seconds(response.headers.get("retry-after")))


async def _beginning(response: httpx.Response) -> bytes:
    """Raw, at most a little of it, and for a moment only: the status has said what counts."""
    found = b""
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in response.aiter_raw(_MOST_READ):
                found += part
                if len(found) >= _MOST_READ:
                    break
    return found[:_MOST_READ]


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() and len(retry_after) < 8 else None


def _printable(body: bytes) -> str | None:
    text = "".join(char if char.isprintable() else " " for char in body.decode("utf-8", "replace")).strip()
    return text[:_MOST_KEPT] or None


def _ms_since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
