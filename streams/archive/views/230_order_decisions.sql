-- One row per decision on an order: approve, hold, reject or release. latest = true for the one that stands.
-- amount and the exposure figures at the time of the decision in the unit of currency; credit_limit NULL = no
-- limit set; utilisation = exposure / credit_limit.
SELECT customer_id, order_id, time, decision, amount, currency, level, check_codes, severity, sequence,
       toBool(row_number() OVER (PARTITION BY customer_id, order_id ORDER BY sequence DESC, time DESC) = 1) AS latest,
       open_orders, open_invoices, unapplied_cash, exposure, credit_limit, headroom, utilisation, overdue,
       oldest_days_past_due, cause_type, cause_topic, cause_partition, cause_offset, policy_version,
       recorded_time, id, event
FROM raw_order_decisions FINAL
