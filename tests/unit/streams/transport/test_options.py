"""Settings that are known to lose or double events are refused, each by name."""

from __future__ import annotations

from typing import Any

import faust
import pytest

from streams.transport.bytes_table import bytes_table
from streams.transport.errors import UnsafeSetting
from streams.transport.options import check_settings


def app_with(**settings: Any) -> faust.App:
    """An app that is safe but for these settings."""
    safe = {"broker": "kafka://127.0.0.1:1", "store": "memory://", "consumer_auto_offset_reset": "earliest"}
    return faust.App("options-test", **{"table_standby_replicas": 0, **safe, **settings})


@pytest.fixture(autouse=True)
def _with_cython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_CYTHON", raising=False)


def test_safe_settings_pass() -> None:
    """The app that all others here are a change of is accepted, with and without tables."""
    app = app_with()
    check_settings(app)
    bytes_table(app, "accounts", partitions=2)
    check_settings(app)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"producer_threaded": True}, "producer_threaded"),
        ({"processing_guarantee": "exactly_once"}, "exactly_once"),
        ({"stream_wait_empty": False}, "stream_wait_empty"),
        ({"consumer_auto_offset_reset": "latest"}, "consumer_auto_offset_reset"),
        ({"producer_acks": 1}, "producer_acks"),
        ({"producer_acks": 0}, "producer_acks"),
        ({"broker": "confluent://127.0.0.1:1"}, "must be kafka://"),
    ],
)
def test_an_unsafe_setting_is_refused(settings: dict[str, Any], named: str) -> None:
    """Each unsafe setting alone stops the app before it starts, and the message names it."""
    with pytest.raises(UnsafeSetting, match=named) as refused:
        check_settings(app_with(**settings))
    others = {"producer_threaded", "exactly_once", "stream_wait_empty", "producer_acks", "must be kafka://"} - {named}
    assert not any(other in str(refused.value) for other in others), "only what is wrong is named"


def test_standby_replicas_are_refused_with_tables_only() -> None:
    """Updates of standbys are dropped at each recovery; without tables there are none."""
    app = app_with(table_standby_replicas=1)
    check_settings(app)
    bytes_table(app, "accounts", partitions=2)
    with pytest.raises(UnsafeSetting, match="table_standby_replicas"):
        check_settings(app)


def test_pure_python_streams_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_CYTHON makes Faust acknowledge what it skips."""
    monkeypatch.setenv("NO_CYTHON", "1")
    with pytest.raises(UnsafeSetting, match="NO_CYTHON"):
        check_settings(app_with())


def test_all_faults_are_told_at_once() -> None:
    """Nobody has to start the worker three times to learn of three faults."""
    with pytest.raises(UnsafeSetting) as refused:
        check_settings(app_with(producer_threaded=True, producer_acks=1, stream_wait_empty=False))
    assert all(name in str(refused.value) for name in ("producer_threaded", "producer_acks", "stream_wait_empty"))
