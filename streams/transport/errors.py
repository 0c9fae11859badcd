"""What stops a worker: errors of delivery, after which going on would lose or double events."""

from __future__ import annotations

from schemas.errors import CreditPulseError


class DeliveryError(CreditPulseError):
    """The delivery of records can no longer be trusted: let the process end and start it again."""


class GapFound(DeliveryError):
    """Records are missing between what was delivered last and what came next.

    After a restart delivery begins at the last commit, so a passing fault heals itself. If it comes back at
    the same offset, the broker no longer has those records (retention), or the topic is compacted or
    written in transactions.
    """


class Misdelivered(DeliveryError):
    """A chunk was delivered twice, or acknowledged without having been delivered: the topology is wired wrongly."""


class RecoveryStalled(DeliveryError):
    """Tables are not recovered and nothing has moved for too long."""


class CommitFailed(DeliveryError):
    """The broker refused the offsets of this worker for a reason other than a running rebalance."""


class SendFailed(DeliveryError):
    """The broker did not acknowledge a record: its cause must not be committed."""


class NotOwner(DeliveryError):
    """A partition's state was written or read by a worker that no longer owns the partition."""


class IncompatibleFaust(DeliveryError):
    """The installed Faust is not the one that our cures were written for: check them anew before upgrading."""


class UnsafeSetting(DeliveryError):
    """A setting of the Faust app or of the environment is known to lose events."""
