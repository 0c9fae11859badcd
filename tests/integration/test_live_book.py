"""The book in another process than the engine's: what cannot be read is not answered from."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from models.partition import SCHEMA, PartitionState, encode
from schemas.errors import Unavailable, UnsupportedVersion
from streams.live_book import LiveBook
from streams.policy_file import policy_text
from streams.settings import Settings
from tests.integration.conftest import MakeSettings


async def make_changelogs(settings: Settings) -> str:
    """The changelogs of an engine that has not written yet; the name of the one of partitions' states."""
    accounts, states = (f"{settings.app_id}-engine-{name}-changelog" for name in ("accounts", "risk-models"))
    admin = AIOKafkaAdminClient(**settings.kafka_client_options())
    await admin.start()
    await admin.create_topics([NewTopic(name, settings.partitions, 1) for name in (accounts, states)])
    await admin.close()
    return states


async def test_a_state_of_a_newer_creditpulse_ends_all_answers(make_settings: MakeSettings) -> None:
    """Old numbers would go on being given out as if they were today's."""
    settings = make_settings(partitions=1)
    states = await make_changelogs(settings)
    state = PartitionState(SCHEMA, policy_text(None))
    async with AIOKafkaProducer(**settings.kafka_client_options()) as producer:

        async def write(schema: int) -> None:
            value = encode(msgspec.structs.replace(state, schema=schema))
            await producer.send_and_wait(states, value, b"0", partition=0)

        async def read() -> None:
            async with LiveBook(settings) as book:
                await asyncio.wait_for(book.ready.wait(), 30)
                assert book.known("C-1").account is None
                await write(SCHEMA + 1)
                async with asyncio.timeout(30):
                    while book.ready.is_set():
                        await asyncio.sleep(0.02)
                for ask in (book.known, book.rehearsal, book.layers):
                    with pytest.raises(Unavailable):
                        ask("C-1")
                with pytest.raises(Unavailable, match="see the log"):
                    book.clock()
                refused.append("all")

        refused: list[str] = []
        await write(SCHEMA)
        with pytest.raises(UnsupportedVersion):
            await read()
        assert refused == ["all"]  # leaving the book tells its error whatever has failed inside
