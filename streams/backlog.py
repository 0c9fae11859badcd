"""How much is still to be done: committed offsets against the ends of topics."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import LOG, MERGED_TOPICS, RELAYED_TOPICS
from streams.kafka_client import PacedConsumer, broker_errors
from streams.settings import Settings

_COORDINATOR_AWAY = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)


class Backlog:
    """Compares committed offsets with the ends of topics. Context manager; raises Unavailable without a broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = AIOKafkaAdminClient(**settings.kafka_client_options())
        self._consumer = PacedConsumer(settings)

    async def __aenter__(self) -> Backlog:
        try:
            with broker_errors(self._settings):
                await self._admin.start()
                await self._consumer.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._admin.close()

    async def uncommitted(self, group: str, topics: Iterable[str]) -> int:
        """Records of these topics (logical names) that the group has not committed; raises Unavailable."""
        return (await self.progress(group, topics))[0]

    async def progress(self, group: str, topics: Iterable[str]) -> tuple[int, int]:
        """Records of these topics (logical names) that the group has not committed, and that it has."""
        tps = [
            TopicPartition(self._settings.topic(name), number)
            for name in topics
            for number in range(self._settings.partitions)
        ]
        with broker_errors(self._settings):
            committed = await self._committed(group, tps)
            ends: dict[TopicPartition, int] = await self._consumer.end_offsets(tps)
        # -1: nothing committed. The topics are new, so the first offset is 0.
        done = {tp: max(0, committed[tp].offset if tp in committed else 0) for tp in tps}
        return sum(max(0, end - done[tp]) for tp, end in ends.items()), sum(done.values())

    async def _committed(self, group: str, tps: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        """A new Kafka has no coordinator until the first group asks for one: until then, nothing is committed."""
        try:
            found: dict[TopicPartition, OffsetAndMetadata]
            found = await self._admin.list_consumer_group_offsets(group, partitions=tps)
        except _COORDINATOR_AWAY:
            return {}
        return found

    async def all_applied(self) -> bool:
        """Whether gate and engine have finished everything published.

        Asked in the order in which records flow: what a group has committed, it has passed on before, so no
        record can slip behind a stage that was seen to be at its end.
        """
        app = self._settings.app_id
        for group, topics in (
            (f"{app}-gate", RELAYED_TOPICS),
            (f"{app}-gate", MERGED_TOPICS),
            (f"{app}-engine", (LOG,)),
        ) * 2:  # once more, for what the engine has told itself meanwhile; an answer to that it does not give
            if await self.uncommitted(group, topics):
                return False
        return True
