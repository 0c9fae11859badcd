"""Records that people set up: read whole, followed, and seen by whoever wrote them at once."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import Unavailable
from streams.control import Control
from streams.topic_admin import ensure_topics
from tests.integration.conftest import MakeSettings


async def test_what_one_process_writes_every_other_sees(make_settings: MakeSettings) -> None:
    settings = make_settings()
    await ensure_topics(settings)
    heard = []
    changed = asyncio.Event()

    def listener(kind: str, record_id: str, value: dict[str, object] | None) -> None:
        heard.append((kind, record_id, value))
        changed.set()

    async with Control(settings) as one:
        await one.put("silence", "s1", {"reason": "Inventur 盘点"})
        await one.put("api-key", "k1", {"role": "reader"})
        assert one.get("silence", "s1") == {"reason": "Inventur 盘点"}
        async with Control(settings, listener) as two:
            assert two.all("silence") == {"s1": {"reason": "Inventur 盘点"}}
            assert heard == []
            await one.delete("silence", "s1")
            assert one.get("silence", "s1") is None
            await asyncio.wait_for(changed.wait(), 10)
            assert heard == [("silence", "s1", None)]
            assert (two.all("silence"), two.get("api-key", "k1")) == ({}, {"role": "reader"})


async def test_what_is_not_a_record_of_ours_stops_nothing(make_settings: MakeSettings) -> None:
    settings = make_settings(partitions=1)
    await ensure_topics(settings)
    async with Control(settings) as control:
        await control._producer.send_and_wait(settings.topic("control"), b"{broken", b"silence/s1")
        await control._producer.send_and_wait(settings.topic("control"), b"{}", b"\xff")
        await control.put("silence", "s2", {"author": "ann"})
        assert control.all("silence") == {"s2": {"author": "ann"}}


async def test_without_topics_it_says_what_to_do(make_settings: MakeSettings) -> None:
    with pytest.raises(Unavailable, match="creditpulse topics create"):
        async with Control(make_settings()):
            pass
