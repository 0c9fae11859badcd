"""A notification in words, for one channel: what waits in the outbox, and what is kept once it is settled."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Message(msgspec.Struct, frozen=True):
    """``key`` (notification id and number of the channel) is the same however often it is sent. ``made`` in ms."""

    key: str
    receiver: str
    channel: str
    severity: str
    title: str
    text: str
    html: str
    made: int


class Settled(msgspec.Struct, frozen=True):
    """What became of a message: ``sent``, or ``given_up`` after so many attempts; ``at`` in ms."""

    key: str
    receiver: str
    channel: str
    title: str
    outcome: str
    attempts: int
    made: int
    at: int
    error: str = ""


class AlertChannel(Protocol):
    """Delivers messages to people."""

    async def send(self, message: Message) -> None:
        """Deliver it, or raise Unavailable: it will be asked again with the same ``key``."""


OUTBOX, LOG = "message", "settled"
"""Kinds of the records in the topic of alert states."""
