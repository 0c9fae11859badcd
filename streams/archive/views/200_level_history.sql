-- One row per change of a customer's level, limit or terms, each once. valid_from = event time of the change,
-- valid_to = of the next one (NULL = still valid). score 0 (worst) to 1000; probability of bad_event within
-- horizon_days, 0 to 1; terms_days in days; deposit_share 0 to 1; reason_points are points of score, negative =
-- worse; exposures per currency in its unit (credit_limit NULL = no limit set).
SELECT customer_id, sequence, time AS valid_from,
       leadInFrame(toNullable(time)) OVER (PARTITION BY customer_id ORDER BY sequence, time
                                           ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS valid_to,
       level, level_before, score, score_before, provisional, severity, probability, probability_low,
       probability_high, bad_event, horizon_days, evidence, terms_days, deposit_share, order_measure,
       reason_codes, reason_points, cap_codes, exposures, cause_type, cause_topic, cause_partition, cause_offset,
       policy_version, model_version, recorded_time, id, event
FROM raw_levels FINAL
