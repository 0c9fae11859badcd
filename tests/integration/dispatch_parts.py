"""Parts of the tests of the dispatcher: publish alerts, receive what people would get, run the process."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.request
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import yaml
from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from schemas.envelope import CloudEvent
from schemas.topics import ALERTS
from streams.embedded.broker import free_port
from streams.embedded.guard import Child, start_child
from streams.settings import Settings
from tests.unit.alerts.samples import alert, envelope

REFERENCE = re.compile(r"Reference ([0-9a-f-]+)")


def tightening(customer: str, number: int = 1, **changes: Any) -> CloudEvent[Any]:
    """An alert event of a customer with its sequence."""
    event = envelope(alert(**changes), event_id=f"{customer}/{number}", subject=customer)
    found: CloudEvent[Any] = event.model_copy(update={"sequence": f"{number:010d}"})
    return found


async def publish_alerts(settings: Settings, *events: CloudEvent[Any], topic: str = ALERTS) -> None:
    """As the engine does."""
    producer = AIOKafkaProducer(**settings.kafka_client_options())
    await producer.start()
    try:
        for event in events:
            name = settings.topic(topic)
            await producer.send_and_wait(name, event.model_dump_json().encode(), event.subject.encode())
    finally:
        await producer.stop()


class ChatRoom:
    """An HTTP receiver of Apprise's JSON; while ``broken`` it answers 503."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.broken = False
        self.refused = 0
        application = web.Application()
        application.router.add_post("/room", self._take)
        self._runner = web.AppRunner(application)

    async def __aenter__(self) -> ChatRoom:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Its Apprise URL."""
        return f"json://127.0.0.1:{self._runner.addresses[0][1]}/room"

    async def _take(self, request: web.Request) -> web.Response:
        if self.broken:
            self.refused += 1
            return web.Response(status=503)
        self.messages.append(await request.json())
        return web.Response()

    @property
    def references(self) -> list[str]:
        """References of all messages, in the order of their coming."""
        return [found[1] for message in self.messages if (found := REFERENCE.search(message["message"]))]

    def told(self, change: str) -> set[str]:
        """Customers under this heading, over all messages."""
        found: set[str] = set()
        for message in self.messages:
            for section in message["message"].split("\n\n"):
                title, *lines = section.strip().splitlines()
                if title == change:
                    found |= {line.removeprefix("- ").split()[0].rstrip(":") for line in lines}
        return found

    async def until(self, change: str, customers: set[str], seconds: float = 60) -> None:
        """Wait until all these were told under this heading."""
        deadline = time.monotonic() + seconds
        while not customers <= self.told(change):
            assert time.monotonic() < deadline, f"{change}: {sorted(customers - self.told(change))} are missing"
            await asyncio.sleep(0.05)


class MailBox:
    """A mail server that takes everything; its Apprise URL sends mails to the credit desk."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._server = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Of aiosmtpd: a mail has come."""
        self.mails.append(cast("EmailMessage", message_from_bytes(envelope.original_content, policy=policy.default)))
        return "250 OK"

    async def __aenter__(self) -> MailBox:
        await asyncio.to_thread(self._server.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._server.stop)

    @property
    def url(self) -> str:
        """Its Apprise URL."""
        return f"mailto://127.0.0.1:{self._server.port}/?mode=insecure&from=creditpulse@example.org&to=desk@example.org"

    def bodies(self, kind: str = "html") -> list[str]:
        """The bodies, in the order of their coming."""
        parts = [mail.get_body((kind,)) for mail in self.mails]
        return [part.get_content() for part in parts if part is not None]

    async def until(self, count: int, seconds: float = 60) -> None:
        """Wait until so many mails have come."""
        async with asyncio.timeout(seconds):
            while len(self.mails) < count:
                await asyncio.sleep(0.05)

    @property
    def references(self) -> list[str]:
        """References of all mails."""
        return [found[1] for body in self.bodies() if (found := REFERENCE.search(body))]


def write_routing(path: Path, channels: list[str], **changes: Any) -> Path:
    """A routing file of one receiver with short waits."""
    root = {"receiver": "desk", "group_by": ["customer"], "group_wait": "200ms", "group_interval": "500ms"}
    values = {"version": "t", "receivers": [{"name": "desk", "channels": channels}], "route": root, **changes}
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def start_dispatch(settings: Settings, **environment: str) -> Child:
    """The process, once it answers that it is well."""
    command = [sys.executable, "-m", "streams.cli", "dispatch"]
    log = settings.data_dir / "dispatch.log"
    child = start_child(command, log=log, env=settings.environment() | environment, name="dispatch")
    deadline = time.monotonic() + 90
    while True:
        assert child.poll() is None, child.last_lines()
        try:
            assert json.loads(page(settings, "health"))["status"] == "ok"
            return child
        except OSError:
            assert time.monotonic() < deadline, child.last_lines()
            time.sleep(0.1)


def page(settings: Settings, name: str) -> str:
    """What the dispatcher tells about itself; raises OSError while it is not well."""
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.dispatch_port}/{name}", timeout=2) as answer:
        told: str = answer.read().decode()
        return told
