-- One row per public topic and source system (source = origin of the event, '' = not said): how good its data are.
-- records = accepted; refused = dead letters of the topic, of those that name no source in the row ''; validity =
-- records / (records + refused), 0 to 1. duplicates = records with an event_id that had come before (they change
-- nothing). completeness = share of what should name what it is about and does: payments their invoice, invoices
-- their order, everything else counts as complete. missing_offsets = places of the topic between the first and the
-- last record of which neither a record nor a dead letter is known (transaction marks of Kafka count here too; row of
-- the whole topic only, source '*'). median_delay_hours, p95_delay_hours = from happening to becoming known. late =
-- records known on a later day than they happened. behind_days as in data_freshness.
WITH
accepted AS
(
    SELECT toString(source_topic) AS topic, JSONExtractString(event, 'origin') AS origin, source_partition,
           source_offset, time, received_at, occurred_at, type, invoice_id, order_id,
           row_number() OVER (PARTITION BY customer_id, event_id ORDER BY log_offset) > 1 AS repeated
    FROM raw_log FINAL
    WHERE customer_id != ''
),
refused AS
(
    SELECT toString(source_topic) AS topic, source_partition, source_offset,
           JSONExtractString(base64Decode(ifNull(value_base64, '')), 'origin') AS origin
    FROM raw_dead_letters FINAL
),
places AS
(
    SELECT topic, source_partition, max(source_offset) - min(source_offset) + 1 - uniqExact(source_offset) AS missing
    FROM
    (
        SELECT topic, source_partition, source_offset FROM accepted
        UNION ALL
        SELECT topic, source_partition, source_offset FROM refused
    )
    GROUP BY topic, source_partition
),
gaps AS
(
    SELECT topic, '*' AS source, sum(missing) AS missing FROM places GROUP BY topic
),
told AS
(
    SELECT topic, source, count() AS records, countIf(repeated) AS duplicates,
           countIf((type = 'payment.received' AND invoice_id = '') OR (type = 'order.invoiced' AND order_id = ''))
               AS incomplete,
           median(dateDiff('second', occurred_at, time)) / 3600 AS median_delay_hours,
           quantile(0.95)(dateDiff('second', occurred_at, time)) / 3600 AS p95_delay_hours,
           countIf(toDate(time) > toDate(occurred_at)) AS late, max(time) AS newest, max(received_at) AS newest_received
    FROM accepted
    ARRAY JOIN ['*', origin] AS source
    GROUP BY topic, source
),
not_taken AS
(
    SELECT topic, source, count() AS refused
    FROM refused
    ARRAY JOIN ['*', origin] AS source
    GROUP BY topic, source
),
both AS
(
    SELECT topic, source, records, duplicates, incomplete, median_delay_hours, p95_delay_hours, late,
           toNullable(newest) AS newest, toNullable(newest_received) AS newest_received, 0 AS refused
    FROM told
    UNION ALL
    SELECT topic, source, 0, 0, 0, 0, 0, 0, NULL, NULL, refused FROM not_taken
)
SELECT both.topic AS topic, both.source AS source, sum(both.records) AS records, sum(both.refused) AS refused,
       if(records + refused > 0, records / (records + refused), NULL) AS validity,
       sum(both.duplicates) AS duplicates,
       if(records > 0, 1 - sum(both.incomplete) / records, NULL) AS completeness,
       if(source = '*', max(gaps.missing), NULL) AS missing_offsets,
       if(records > 0, sum(both.median_delay_hours), NULL) AS median_delay_hours,
       if(records > 0, sum(both.p95_delay_hours), NULL) AS p95_delay_hours, sum(both.late) AS late,
       max(both.newest) AS newest_time, max(both.newest_received) AS newest_received_at,
       dateDiff('millisecond', newest_time, any(book_day.newest_time)) / 86400000 AS behind_days
FROM both
CROSS JOIN book_day
LEFT JOIN gaps ON gaps.topic = both.topic AND gaps.source = both.source
GROUP BY both.topic, both.source
