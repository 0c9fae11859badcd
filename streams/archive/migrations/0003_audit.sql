-- The audit trail: sealed from the topic audit, one chain per log partition; docs/audit.md. Append only: nobody changes a
-- row, and `creditpulse audit verify` finds it if somebody does. record: the bytes on the topic, which the hashes (hex)
-- cover; the columns beside it are taken from it, to look for. hash = SHA-256(previous_hash, record), leaf by RFC 9162.
CREATE TABLE IF NOT EXISTS audit_entries
(
    partition UInt32,
    sequence UInt64,
    previous_hash String,
    hash String,
    leaf String,
    out_offset UInt64,
    log_offset UInt64,
    entry_index UInt32,
    kind LowCardinality(String),
    type LowCardinality(String),
    customer_id String,
    id String,
    by LowCardinality(String),
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    policy_version LowCardinality(String),
    model_version String,
    record String CODEC(ZSTD(3)),
    INDEX by_customer customer_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, sequence)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- audit-checkpoints: what stood in the chains when, also published on that topic.
CREATE TABLE IF NOT EXISTS raw_audit_checkpoints
(
    id String,
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    partition UInt32,
    tree_size UInt64,
    hash String,
    root String,
    out_partition UInt32,
    out_offset UInt64,
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (partition, tree_size, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
