"""E-mail, chat and whatever else Apprise can reach, behind one URL, which stands in the environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import apprise

from alerts.dispatch.message import Message
from schemas.errors import InvalidInput, Unavailable

_SECONDS = 60.0
_TYPES = {
    "info": apprise.NotifyType.INFO,
    "notice": apprise.NotifyType.INFO,
    "warning": apprise.NotifyType.WARNING,
    "critical": apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """One Apprise URL. HTML goes to services that show it (e-mail), plain text to all others."""

    def __init__(self, name: str, url: str) -> None:
        """``name`` is what may be shown of it; raises InvalidInput for a URL that Apprise does not know."""
        self._name = name
        self._apprise = apprise.Apprise()
        with _silent():
            known = self._apprise.add(url) and len(self._apprise) == 1
        if not known:
            raise InvalidInput("channel_invalid", f"{name} does not hold one URL that Apprise understands", name)
        self._is_html = self._apprise[0].notify_format == apprise.NotifyFormat.HTML

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


def channel_url(reference: str, environment: Mapping[str, str]) -> str:
    """The URL behind ``${NAME}``; raises InvalidInput, which tells the name and never the URL: it holds passwords."""
    name = reference.removeprefix("${").removesuffix("}")
    url = environment.get(name, "").strip()
    if not url:
        raise InvalidInput("channel_missing", f"the routing names ${{{name}}}: set {name} to an Apprise URL", name)
    return url


@contextmanager
def _silent() -> Iterator[None]:
    """Apprise logs a URL that it does not understand, with the password in it."""
    logger = logging.getLogger("apprise")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
