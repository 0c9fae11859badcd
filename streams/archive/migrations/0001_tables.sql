-- What the topics hold, one table per topic, each row at most once per identity after merging (read through the
-- views, which deduplicate at once). Money is Decimal(18,4) in the unit of its currency, sums and exposures are
-- Decimal(38,4); all times are UTC. `ver` makes the lowest Kafka offset win: what was written twice after a crash
-- counts where it first stood. The whole event stands beside the typed columns as JSON.
-- fsync: an offset is committed after the insert, so the rows must have reached the disk by then.

-- customer-events. Identity: where the event came from (the gate may write an entry twice); the log partition is
-- part of it because broadcasts are written once to each. customer_id is empty for broadcasts.
CREATE TABLE IF NOT EXISTS raw_log
(
    customer_id String,
    event_id String,
    source_topic LowCardinality(String),
    source_partition UInt32,
    source_offset UInt64,
    log_partition UInt32,
    log_offset UInt64,
    time DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    occurred_at DateTime64(3, 'UTC'),
    type LowCardinality(String),
    currency LowCardinality(String),
    amount Nullable(Decimal(18, 4)),
    invoice_id String,
    order_id String,
    payment_id String,
    issue_date Nullable(Date),
    due_date Nullable(Date),
    as_of Nullable(Date),
    paid_at Nullable(DateTime64(3, 'UTC')),
    days_past_due Nullable(Int32),
    terms_days Nullable(Int32),
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(log_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (customer_id, event_id, source_topic, source_partition, source_offset, log_partition)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- credit-levels. Identity: the CloudEvent id, here and in the tables below.
CREATE TABLE IF NOT EXISTS raw_levels
(
    customer_id String,
    id String,
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    severity LowCardinality(String),
    sequence UInt64,
    level LowCardinality(String),
    level_before LowCardinality(String),
    score Int32,
    score_before Nullable(Int32),
    provisional Bool,
    probability Float64,
    probability_low Float64,
    probability_high Float64,
    bad_event LowCardinality(String),
    horizon_days Int32,
    evidence UInt64,
    terms_days Int32,
    deposit_share Float64,
    order_measure LowCardinality(String),
    reason_codes Array(LowCardinality(String)),
    reason_points Array(Int32),
    cap_codes Array(LowCardinality(String)),
    exposures Array(Tuple(
        currency LowCardinality(String),
        open_orders Decimal(38, 4),
        open_invoices Decimal(38, 4),
        unapplied_cash Decimal(38, 4),
        exposure Decimal(38, 4),
        credit_limit Nullable(Decimal(38, 4)),
        headroom Nullable(Decimal(38, 4)),
        utilisation Nullable(Float64),
        overdue Decimal(38, 4),
        oldest_days_past_due Int32)),
    cause_type LowCardinality(String),
    cause_topic LowCardinality(String),
    cause_partition UInt32,
    cause_offset UInt64,
    policy_version LowCardinality(String),
    model_version LowCardinality(String),
    out_partition UInt32,
    out_offset UInt64,
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (customer_id, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- credit-alerts.
CREATE TABLE IF NOT EXISTS raw_alerts
(
    customer_id String,
    id String,
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    severity LowCardinality(String),
    sequence UInt64,
    kind LowCardinality(String),
    cause_kind LowCardinality(String),
    level LowCardinality(String),
    level_before LowCardinality(String),
    score Int32,
    score_before Nullable(Int32),
    provisional Bool,
    probability Float64,
    bad_event LowCardinality(String),
    horizon_days Int32,
    at_stake Array(Tuple(currency LowCardinality(String), amount Decimal(38, 4))),
    reason_codes Array(LowCardinality(String)),
    reason_points Array(Int32),
    cap_codes Array(LowCardinality(String)),
    retracts String,
    retracts_because String,
    cause_type LowCardinality(String),
    cause_topic LowCardinality(String),
    cause_partition UInt32,
    cause_offset UInt64,
    policy_version LowCardinality(String),
    model_version LowCardinality(String),
    out_partition UInt32,
    out_offset UInt64,
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (customer_id, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- order-decisions.
CREATE TABLE IF NOT EXISTS raw_order_decisions
(
    customer_id String,
    id String,
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    severity LowCardinality(String),
    sequence UInt64,
    order_id String,
    decision LowCardinality(String),
    amount Decimal(18, 4),
    currency LowCardinality(String),
    level LowCardinality(String),
    check_codes Array(LowCardinality(String)),
    open_orders Decimal(38, 4),
    open_invoices Decimal(38, 4),
    unapplied_cash Decimal(38, 4),
    exposure Decimal(38, 4),
    credit_limit Nullable(Decimal(38, 4)),
    headroom Nullable(Decimal(38, 4)),
    utilisation Nullable(Float64),
    overdue Decimal(38, 4),
    oldest_days_past_due Int32,
    cause_type LowCardinality(String),
    cause_topic LowCardinality(String),
    cause_partition UInt32,
    cause_offset UInt64,
    policy_version LowCardinality(String),
    out_partition UInt32,
    out_offset UInt64,
    event String CODEC(ZSTD(3)),
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY (customer_id, id)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- dead-letters. The raw bytes stay base64, as they were sent; every field has its column, so no JSON beside it.
CREATE TABLE IF NOT EXISTS raw_dead_letters
(
    id String,
    time DateTime64(3, 'UTC'),
    recorded_time DateTime64(3, 'UTC'),
    source_topic LowCardinality(String),
    source_partition UInt32,
    source_offset UInt64,
    reason_code LowCardinality(String),
    message String,
    field String,
    key_base64 Nullable(String),
    value_base64 Nullable(String) CODEC(ZSTD(3)),
    record_time DateTime64(3, 'UTC'),
    out_partition UInt32,
    out_offset UInt64,
    ver UInt64 MATERIALIZED bitNot(out_offset)
)
ENGINE = ReplacingMergeTree(ver)
ORDER BY id
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Records of the topics above that are not what their contract says, or that ClickHouse refused: raw, so that
-- nothing is lost. They do not go to a topic: what the archive writes there would come back to it.
CREATE TABLE IF NOT EXISTS archive_rejects
(
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64,
    reason_code LowCardinality(String),
    message String,
    record_time DateTime64(3, 'UTC'),
    key Nullable(String),
    value Nullable(String) CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1;
