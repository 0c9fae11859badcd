-- deliveries: attempts to deliver events to webhooks, one sequence per subscription.
CREATE TABLE IF NOT EXISTS raw_deliveries
(
    subscription_id String,
    id String,
    time DateTime64(3, 'UTC'),
    severity LowCardinality(String),
    sequence UInt64,
    customer_id String,
    event_id String,
    event_type LowCardinality(String),
    attempt UInt32,
    outcome LowCardinality(String),
    status Nullable(UInt16),
    error LowCardinality(String),
    latency_ms UInt32,
    out_partition UInt32,
    out_offset UInt64,
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (subscription_id, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
