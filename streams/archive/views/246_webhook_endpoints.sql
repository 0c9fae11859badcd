-- One row per webhook subscription that was ever tried: attempts, and those that arrived; when one last arrived, and when one
-- last did not (NULL: never), with the error of that one; median latency in milliseconds of what arrived on the last 7 days of
-- attempts.
WITH (SELECT max(time) FROM raw_deliveries) AS newest
SELECT subscription_id, count() AS attempts, countIf(outcome = 'delivered') AS delivered, countIf(outcome = 'dead') AS dead,
       maxOrNullIf(time, outcome = 'delivered') AS last_delivered, maxOrNullIf(time, outcome != 'delivered') AS last_failed,
       argMaxIf(toString(error), time, outcome != 'delivered') AS last_error,
       if(countIf(outcome = 'delivered' AND time > newest - INTERVAL 7 DAY) = 0, NULL,
          toUInt32(medianIf(latency_ms, outcome = 'delivered' AND time > newest - INTERVAL 7 DAY))) AS median_latency_ms
FROM raw_deliveries FINAL
GROUP BY subscription_id
