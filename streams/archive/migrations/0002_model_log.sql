-- model-log: notes that a model has drifted, one sequence per partition.
CREATE TABLE IF NOT EXISTS raw_model_log
(
    id String,
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    severity LowCardinality(String),
    sequence UInt64,
    partition UInt32,
    task LowCardinality(String),
    kind LowCardinality(String),
    statistic Float64,
    threshold Float64,
    outcomes UInt64,
    mean_probability Float64,
    rate Float64,
    model_version String,
    policy_version LowCardinality(String),
    out_partition UInt32,
    out_offset UInt64,
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (partition, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
