"""The watchdog's timers: what counts as standing still, and since when."""

from __future__ import annotations

from faust.types import TP

from streams.transport.watchdog import CommitProgress, Progress, StallTimer

PLACE, OTHER = TP("log", 0), TP("log", 1)


def test_a_timer_counts_while_nothing_moves() -> None:
    """The seconds without progress run from the first look at the present state."""
    timer = StallTimer()
    seconds = [timer.observe(now, busy=True, signature="a") for now in (10.0, 15.0, 40.0)]
    assert seconds == [0.0, 5.0, 30.0]


def test_progress_sets_a_timer_back() -> None:
    """A changed state is progress: the time before it does not count."""
    timer = StallTimer()
    timer.observe(0.0, busy=True, signature=1)
    assert timer.observe(50.0, busy=True, signature=2) == 0.0
    assert timer.observe(57.0, busy=True, signature=2) == 7.0


def test_idle_time_is_no_stall() -> None:
    """Standing still with nothing to do never counts, and neither does the time before work came."""
    timer = StallTimer()
    timer.observe(0.0, busy=True, signature=1)
    assert timer.observe(100.0, busy=False, signature=1) == 0.0
    assert timer.observe(200.0, busy=True, signature=1) == 0.0
    assert timer.observe(203.0, busy=True, signature=1) == 3.0


def test_a_commit_that_stands_still_behind_waiting_records_is_stalled() -> None:
    """Lag without a commit for longer than the limit is named with its seconds; the limit itself is not over it."""
    progress = CommitProgress()
    for now in (0.0, 60.0, 61.0):
        progress.observe(now, {PLACE: Progress(5, 9)})
        assert progress.stalled(60.0) == ({PLACE: 61.0} if now > 60 else {})


def test_records_that_keep_coming_do_not_hide_a_stuck_commit() -> None:
    """That the end grows is no progress of ours."""
    progress = CommitProgress()
    for now in range(0, 100, 10):
        progress.observe(now, {PLACE: Progress(5, 9 + now)})
    assert progress.stalled(60.0) == {PLACE: 90.0}


def test_partitions_without_lag_or_known_end_are_not_stalled() -> None:
    """All committed, or the end not known yet: nothing to complain of, however long."""
    progress = CommitProgress()
    for now in (0.0, 1000.0):
        progress.observe(now, {PLACE: Progress(9, 9), OTHER: Progress(0, None)})
    assert progress.stalled(60.0) == {}


def test_one_partition_that_moves_does_not_excuse_another() -> None:
    """Each partition has a timer of its own."""
    progress = CommitProgress()
    for now in (0.0, 100.0):
        progress.observe(now, {PLACE: Progress(5, 500), OTHER: Progress(int(now), 500)})
    assert progress.stalled(60.0) == {PLACE: 100.0}


def test_a_partition_that_went_away_is_forgotten() -> None:
    """Back after a rebalance, it starts with a new timer."""
    progress = CommitProgress()
    progress.observe(0.0, {PLACE: Progress(5, 9)})
    progress.observe(50.0, {})
    progress.observe(100.0, {PLACE: Progress(5, 9)})
    assert progress.stalled(60.0) == {}
    progress.observe(161.0, {PLACE: Progress(5, 9)})
    assert progress.stalled(60.0) == {PLACE: 61.0}
