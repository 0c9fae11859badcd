"""E-mail, chat and whatever else Apprise can reach, behind one URL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import apprise
from apprise.plugins.email import NotifyEmail

from alerts.dispatch.message import Message
from schemas.errors import InvalidInput, Unavailable

_SECONDS = 60.0
_SECONDS_BETWEEN = 1.0
"""At most, between two messages: Apprise itself would send a mail every 5.5 s, and take minutes over a bad morning."""
_TYPES = {
    "info": apprise.NotifyType.INFO,
    "notice": apprise.NotifyType.INFO,
    "warning": apprise.NotifyType.WARNING,
    "critical": apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """One Apprise URL. HTML goes by e-mail, plain text to all others."""

    def __init__(self, name: str, url: str) -> None:
        """``name`` is what may be shown of it; raises InvalidInput for a URL that Apprise does not know."""
        self._name = name
        self._apprise = apprise.Apprise()
        with _silent():
            known = self._apprise.add(url) and len(self._apprise) == 1
        if not known:
            raise InvalidInput("channel_invalid", f"{name} does not hold one URL that Apprise understands", name)
        service = self._apprise[0]
        self._is_html = isinstance(service, NotifyEmail)
        service.request_rate_per_sec = min(service.request_rate_per_sec, _SECONDS_BETWEEN)

    async def send(self, message: Message) -> None:
        """Deliver it; raises Unavailable."""
        body = message.html if self._is_html else message.text
        form = apprise.NotifyFormat.HTML if self._is_html else apprise.NotifyFormat.TEXT
        told = self._apprise.async_notify(
            body=body, title=message.title, notify_type=_TYPES[message.severity], body_format=form
        )
        try:
            done = await asyncio.wait_for(told, _SECONDS)
        except TimeoutError as error:
            raise Unavailable(f"{self._name} did not answer within {_SECONDS:.0f} s") from error
        if not done:
            raise Unavailable(f"{self._name} did not take it")


@contextmanager
def _silent() -> Iterator[None]:
    """Apprise logs a URL that it does not understand, with the password in it."""
    logger = logging.getLogger("apprise")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
