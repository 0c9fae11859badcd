"""Faust's assignor, for topics of which the leader's picture of the cluster is not whole.

What breaks without it: a broker that has just made a topic, or is choosing leaders, leaves it out of its metadata for
a moment. `PartitionAssignor._get_copartitioned_groups` ignores a topic that is missing, so the log is assigned without
the changelogs of the tables that go with it, and the worker ends with NotOwner at its first chunk (so it looked on
Apache Kafka 4.4 under load). All topics that a worker joins for have the same number of partitions.
"""

from __future__ import annotations

from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import CopartitionedGroups, MemberSubscriptionMapping, PartitionAssignor


class WholeAssignor(PartitionAssignor):
    """Assigns topics that are missing from the metadata like those that are there."""

    @classmethod
    def _get_copartitioned_groups(
        cls, topics: set[str], cluster: ClusterMetadata, subscriptions: MemberSubscriptionMapping
    ) -> CopartitionedGroups:
        found = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        most = max(found.values(), default=0)
        groups: dict[int, set[str]] = {}
        for topic in sorted(topics):
            if count := found[topic] or most:
                groups.setdefault(count, set()).add(topic)
        return {count: cls._group_co_subscribed(together, subscriptions) for count, together in groups.items()}
