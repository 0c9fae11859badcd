-- One row per source topic: how good its data are, as counted from the log and the dead letters.
--   records = read from it, accepted = of them in the log, refused = sent to the dead letters instead, re-submitted ones
--   among them; validity = accepted / records
--   duplicates = accepted records whose event_id their customer had sent before (they change nothing)
--   completeness = share of the optional facts that are there: order and terms of an invoice, invoice of a payment, owner
--   and sector of master data; NULL for other topics
--   timeliness = share of accepted records read within a day of what they tell (event time - time of happening);
--   median_delay_hours, p95_delay_hours of it
--   newest_time, behind_days as in data_freshness. NULL where there is nothing to measure.
WITH
accepted AS
(
    SELECT toString(source_topic) AS topic, count() AS accepted, uniqExact(customer_id, event_id) AS events,
           avgOrNullIf((order_id != '') + (terms_days IS NOT NULL), type = 'order.invoiced') / 2 AS of_invoices,
           avgOrNullIf(invoice_id != '', type = 'payment.received') AS of_payments,
           avgOrNullIf((JSONExtractString(event, 'owner') != '') + (JSONExtractString(event, 'sector') != ''),
                       type = 'assessment.master_data') / 2 AS of_master,
           avg(dateDiff('hour', occurred_at, time) <= 24) AS timely,
           quantileTDigest(0.5)(dateDiff('second', occurred_at, time) / 3600) AS median_delay,
           quantileTDigest(0.95)(dateDiff('second', occurred_at, time) / 3600) AS p95_delay
    FROM raw_log FINAL
    WHERE customer_id != ''
    GROUP BY topic
),
refused AS
(
    SELECT toString(source_topic) AS topic, count() AS refused FROM dead_letters GROUP BY topic
),
topics AS
(
    SELECT topic FROM accepted
    UNION DISTINCT
    SELECT topic FROM refused
)
SELECT topics.topic AS topic, accepted.accepted + refused.refused AS records, accepted.accepted AS accepted,
       refused.refused AS refused, accepted.accepted / records AS validity,
       accepted.accepted - accepted.events AS duplicates,
       coalesce(of_invoices, of_payments, of_master) AS completeness,
       if(accepted.accepted = 0, NULL, timely) AS timeliness,
       if(accepted.accepted = 0, NULL, median_delay) AS median_delay_hours,
       if(accepted.accepted = 0, NULL, p95_delay) AS p95_delay_hours,
       data_freshness.newest_time AS newest_time,
       if(data_freshness.topic = '', NULL, data_freshness.behind_days) AS behind_days
FROM topics
LEFT JOIN accepted ON accepted.topic = topics.topic
LEFT JOIN refused ON refused.topic = topics.topic
LEFT JOIN data_freshness ON data_freshness.topic = topics.topic
