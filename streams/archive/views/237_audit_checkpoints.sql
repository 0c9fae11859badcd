-- One row per checkpoint of the audit trail: hash of the last of the first tree_size entries of a partition and the
-- Merkle root over them, as published at that time on the topic audit-checkpoints.
SELECT partition, tree_size, time, hash, root, id, event
FROM raw_audit_checkpoints FINAL
