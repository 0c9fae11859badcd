"""The cure of Faust's recovery: only for the Faust that we know, and in the right order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer

from streams.transport import recovery_fix
from streams.transport.errors import IncompatibleFaust


def test_the_installed_faust_is_the_one_we_know() -> None:
    """Every function that we lean on has the source that the cures were written for."""
    recovery_fix.check(recovery_fix.KNOWN)


def test_a_changed_faust_is_refused_by_name() -> None:
    """All functions that have changed are named, and no others."""
    known = {**recovery_fix.KNOWN, Consumer.ack: "0" * 16, Recovery.on_rebalance: "0" * 16}
    with pytest.raises(IncompatibleFaust) as refused:
        recovery_fix.check(known)
    text = str(refused.value)
    assert "Consumer.ack" in text
    assert "Recovery.on_rebalance" in text
    assert "Consumer.getmany" not in text


def test_a_fingerprint_follows_the_source() -> None:
    """Functions with other sources have other fingerprints; a service task counts by the function behind it."""
    prints = {recovery_fix.fingerprint(function) for function in recovery_fix.KNOWN}
    assert len(prints) == len(recovery_fix.KNOWN)
    task: Any = Consumer._commit_handler
    assert recovery_fix.fingerprint(task) == recovery_fix.fingerprint(task.fun)


def test_installing_twice_patches_once() -> None:
    """The cure never calls itself: a second install leaves the first."""
    recovery_fix.install()
    recovery_fix.install()
    assert Recovery.on_recovery_completed is recovery_fix._on_recovery_completed
    assert recovery_fix._original is not Recovery.on_recovery_completed


async def test_the_flow_stands_still_before_streams_are_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched between the end of recovery and the seek to the commit, which would clear it away."""
    order: list[str] = []

    class Steps:
        def __init__(self, *names: str) -> None:
            for name in names:
                setattr(self, name, lambda name=name: order.append(name))

    class Fake:
        class app:  # noqa: N801
            consumer, flow_control = Steps("stop_flow"), Steps("suspend")

    async def original(recovery: object, generation_id: int) -> None:
        await asyncio.sleep(0)
        order.append(f"completed {generation_id}")

    monkeypatch.setattr(recovery_fix, "_original", original)
    fake: Any = Fake()
    await recovery_fix._on_recovery_completed(fake, 7)
    assert order == ["stop_flow", "suspend", "completed 7"]
