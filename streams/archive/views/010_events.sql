-- One row per event that counts: the log without broadcasts, each event once.
-- Second entries with the same event_id of a customer change nothing (the engine skips them), so the one that
-- stands first in the log is kept. amount in the unit of currency; days_past_due in days; times UTC.
-- time = when it became known, occurred_at = when it happened in the business.
SELECT customer_id, time, received_at, occurred_at, type, currency, amount, invoice_id, order_id, payment_id,
       issue_date, due_date, as_of, paid_at, days_past_due, terms_days, event_id,
       source_topic, source_partition, source_offset, log_partition, log_offset, event
FROM raw_log
WHERE customer_id != ''
ORDER BY customer_id, event_id, log_offset
LIMIT 1 BY customer_id, event_id
