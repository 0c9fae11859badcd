"""A real HTTP receiver that misbehaves as told, and what the tests of webhooks share."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web
from aiokafka import AIOKafkaProducer
from standardwebhooks import Webhook, WebhookVerificationError

from alerts.webhooks import positions, service
from alerts.webhooks.courier import WINDOW
from alerts.webhooks.dispatcher import WebhookDispatcher, wall_clock
from alerts.webhooks.schedule import Schedule
from alerts.webhooks.service import Created
from alerts.webhooks.subscription import NewSubscription
from schemas.topics import ALERTS
from streams.control import Control
from streams.embedded.broker import free_port
from streams.settings import Settings
from tests.unit.alerts.samples import alert, envelope

KEY = "k" * 40
FAST = Schedule((0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5))


@dataclass
class Accepted:
    """What was answered with 2xx: the header webhook-id, and the event."""

    webhook_id: str
    event: dict[str, object]


class Receiver:
    """Verifies every request, and answers as ``behave`` says for it: a status, or a word."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.accepted: list[Accepted] = []
        self.requests = 0
        self.forged = 0
        self.behave: Callable[[dict[str, object]], int | str] = lambda event: 200
        self.port = free_port()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def __aenter__(self) -> Receiver:
        await self.come_back()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go_away()

    async def come_back(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def go_away(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        body = await request.read()
        if not self._verified(body, request):
            self.forged += 1
            return web.Response(status=401)
        event = json.loads(body)
        what = self.behave(event)
        if what == "hang":
            await asyncio.sleep(30)
            return web.Response(status=500)
        if what == "redirect":
            return web.Response(status=307, headers={"Location": f"http://127.0.0.1:{self.port}/elsewhere"})
        if what == "drip":
            response = web.StreamResponse(status=500)
            await response.prepare(request)
            with suppress(ConnectionError):
                while True:
                    await response.write(b"x" * 100_000)
                    await asyncio.sleep(0.01)
            return response
        if isinstance(what, int) and what != 200:
            return web.Response(status=what, text="\x1b[31mnot now")
        self.accepted.append(Accepted(request.headers["webhook-id"], event))
        return web.Response()

    def _verified(self, body: bytes, request: web.Request) -> bool:
        for secret in self.secrets:
            with suppress(WebhookVerificationError):
                Webhook(secret).verify(body, dict(request.headers))
                return True
        return False

    def ids(self) -> list[str]:
        """Ids of the accepted events, each at its first sight."""
        return list(dict.fromkeys(item.webhook_id for item in self.accepted))

    def by_customer(self) -> dict[str, list[int]]:
        """Sequences in the order of acceptance, each id once."""
        found: dict[str, list[int]] = defaultdict(list)
        seen: set[str] = set()
        for item in self.accepted:
            if item.webhook_id not in seen:
                seen.add(item.webhook_id)
                found[str(item.event["subject"])].append(int(str(item.event["sequence"])))
        return dict(found)

    async def until(self, count: int, seconds: float = 20.0) -> None:
        """Wait until so many different events were accepted."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.ids()) < count:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{len(self.ids())} of {count} arrived: {self.by_customer()}") from None


@dataclass
class Ledger:
    """Publishes alerts with gap-free sequences, as the engine does."""

    settings: Settings
    sequences: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def publish(self, customers: Iterable[str], times: int = 1, *, twice: bool = False, **data: object) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers) as producer:
            for _ in range(times):
                for customer in customers:
                    self.sequences[customer] += 1
                    number = self.sequences[customer]
                    event = envelope(
                        alert(**data), event_id=f"ticks/0/{number}/{customer}/tightening", subject=customer
                    )
                    event = event.model_copy(update={"sequence": f"{number:010d}"})
                    for _ in range(2 if twice else 1):
                        value = event.model_dump_json().encode()
                        await producer.send(self.settings.topic(ALERTS), value, customer.encode())
            await producer.flush()

    async def send_again(self, customer: str, number: int) -> None:
        """As a worker does that was killed before it had stored what it had told."""
        before, self.sequences[customer] = self.sequences[customer], number - 1
        await self.publish([customer])
        self.sequences[customer] = before

    @property
    def total(self) -> int:
        return sum(self.sequences.values())

    def expected(self) -> dict[str, list[int]]:
        return {customer: list(range(1, last + 1)) for customer, last in self.sequences.items()}


async def subscribe(control: Control, settings: Settings, receiver: Receiver, **given: object) -> Created:
    """A subscription of the receiver to what comes from now on; it knows the secret."""
    new = NewSubscription.model_validate({"url": receiver.url, "rate_per_second": 1000, **given})
    start = await positions.now_in(settings, new.filters.topics)
    created = await service.create_subscription(control, settings, new, by="test", now=wall_clock(), start=start)
    receiver.secrets.append(created.secret)
    return created


@asynccontextmanager
async def dispatching(
    settings: Settings, schedule: Schedule = FAST, timeout: float = 1.0, window: int = WINDOW
) -> AsyncIterator[None]:
    """A dispatcher in this process."""
    stop = asyncio.Event()
    dispatcher = WebhookDispatcher(settings, schedule=schedule, timeout_seconds=timeout, window=window)
    task = asyncio.create_task(dispatcher.run(stop))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)
