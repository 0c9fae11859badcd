"""A topic that the cluster does not show for a moment is assigned with those that go with it."""

from __future__ import annotations

from faust.assignor.partition_assignor import PartitionAssignor

from streams.transport.assignor import WholeAssignor


class Cluster:
    """What is asked of aiokafka's metadata."""

    def __init__(self, **partitions: int) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        count = self._partitions.get(topic)
        return None if count is None else set(range(count))


SUBSCRIBED = {"w0": ["log", "accounts", "models"], "w1": ["log", "accounts", "models"]}


def groups(cluster: Cluster, assignor: type[PartitionAssignor]) -> dict[int, list[set[str]]]:
    found = assignor._get_copartitioned_groups({"log", "accounts", "models"}, cluster, SUBSCRIBED)  # type: ignore[arg-type]
    return {count: list(together) for count, together in found.items()}


def test_a_missing_changelog_stays_with_its_log() -> None:
    cluster = Cluster(log=4, accounts=4)
    assert groups(cluster, PartitionAssignor) == {4: [{"log", "accounts"}]}, "Faust mends it by now: drop the cure"
    assert groups(cluster, WholeAssignor) == {4: [{"log", "accounts", "models"}]}


def test_a_whole_picture_is_assigned_as_by_faust() -> None:
    cluster = Cluster(log=4, accounts=4, models=4)
    assert groups(cluster, WholeAssignor) == groups(cluster, PartitionAssignor)


def test_where_nothing_is_known_nothing_is_assigned() -> None:
    assert groups(Cluster(), WholeAssignor) == {}
