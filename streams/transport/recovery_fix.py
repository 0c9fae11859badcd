"""Cures Faust's recovery, which throws away events at the end of every table recovery.

What breaks without it (faust-streaming issues 596, 606; robinhood 625): `Recovery.on_recovery_completed`
resumes the stream partitions, seeks them to the commit, and only then calls `flow_control.resume()`, which
always clears the queues. The flow is already active at that time (it had to be, to read the changelogs), so
what was fetched in between vanishes, unprocessed and unacknowledged. 5 of 5 restarts with a backlog lost 10
to 31 of 1,000 to 2,000 events.

The cure suspends the flow first; the original resumes it when all is in place. Because it, and the whole
transport, lean on the inside of Faust, the source of every function that matters is compared with the one
we know.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from faust import streams
from faust.app import App
from faust.stores import memory, rocksdb
from faust.tables.recovery import Recovery
from faust.transport.conductor import ConductorHandler  # type: ignore[attr-defined]
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.utils.queues import FlowControlEvent

from streams.transport.errors import IncompatibleFaust

_original: Callable[..., Any] = Recovery.on_recovery_completed


async def _on_recovery_completed(self: Recovery, generation_id: int = 0) -> None:
    self.app.consumer.stop_flow()
    self.app.flow_control.suspend()
    await _original(self, generation_id)


def install() -> None:
    """Patch Recovery, once; raises IncompatibleFaust if a function that we lean on has changed."""
    if Recovery.on_recovery_completed is _on_recovery_completed:
        return
    check(KNOWN)
    Recovery.on_recovery_completed = _on_recovery_completed  # type: ignore[method-assign]


def check(known: Mapping[Any, str]) -> None:
    """Compare the source of each function with its known fingerprint; raises IncompatibleFaust, naming all changes."""
    changed = [_name(function) for function, wanted in known.items() if fingerprint(function) != wanted]
    if streams._CStreamIterator is None or ConductorHandler is None:  # type: ignore[attr-defined]
        changed.append("the compiled stream iterator or conductor (missing)")
    if changed:
        raise IncompatibleFaust(
            "the installed faust-streaming or mode-streaming differs from 0.15.3 / 0.7.1 in "
            + ", ".join(changed)
            + ": read the changes, run tests/*/test_chunk_*.py, then renew KNOWN in streams/transport/recovery_fix.py"
        )


def fingerprint(function: Any) -> str:
    """A short hash of the source of a function, or of the function behind one of mode's service tasks."""
    return hashlib.sha256(inspect.getsource(getattr(function, "fun", function)).encode()).hexdigest()[:16]


def _name(function: Any) -> str:
    return str(getattr(function, "fun", function).__qualname__)


KNOWN: Mapping[Any, str] = {
    _original: "6ef567acf072e46d",
    Recovery._resume_streams: "d986a6710c1aca98",
    Recovery._restart_recovery: "6bd8a8558a2dffe4",
    Recovery._slurp_changelogs: "7825c7e50f766d5a",
    Recovery.on_rebalance: "aa4d997a1795ceae",
    FlowControlEvent.resume: "4dcdc1253fd0dcb4",
    Consumer.perform_seek: "0e8c130ff4b0afd8",
    Consumer.getmany: "4b168d84882a70d6",
    Consumer._wait_next_records: "6218e1969a636b3f",
    Consumer._drain_messages: "44a2500309e83c63",
    Consumer.ack: "5fcf41cf45153475",
    Consumer._commit_offsets: "1a69799041188441",
    Consumer._filter_committable_offsets: "dc5e9baf5d994485",
    Consumer.on_partitions_revoked: "d04b7ae72c6fc206",
    Consumer.wait_empty: "e4662fe24f094819",
    AIOKafkaConsumerThread._commit: "932852ce7a23f658",
    AIOKafkaConsumerThread._fetch_records: "39a2c6c79fc1455a",
    App._on_partitions_revoked: "d5c895bbe57dc73a",
    App._stop_consumer: "55854a5de12c3f52",
    memory.Store.on_recovery_completed: "a00bef343e139602",
    memory.Store._create_batch_iterator: "b082c8bcc0403823",
    rocksdb.Store.apply_changelog_batch: "ea3344d369fc4ab5",
    rocksdb.Store.set_persisted_offset: "b4c811926678346e",
}
