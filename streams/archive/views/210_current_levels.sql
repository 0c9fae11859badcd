-- One row per customer that was ever assessed: the latest level, limit and terms. since = event time from which
-- the level (not only a limit or terms) has been this one. Units as in level_history.
WITH
changes AS
(
    SELECT customer_id, max(valid_from) AS since
    FROM
    (
        SELECT customer_id, valid_from,
               level != lagInFrame(level, 1, '') OVER (PARTITION BY customer_id ORDER BY sequence, valid_from
                                                       ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS changed
        FROM level_history
    )
    WHERE changed
    GROUP BY customer_id
)
SELECT history.customer_id AS customer_id, level, level_before, changes.since AS since, valid_from AS decided_at,
       score, score_before, provisional, severity, probability, probability_low, probability_high, bad_event,
       horizon_days, evidence, terms_days, deposit_share, order_measure, reason_codes, reason_points, cap_codes,
       exposures, cause_type, policy_version, model_version, sequence, id, event
FROM level_history AS history
LEFT JOIN changes ON changes.customer_id = history.customer_id
WHERE valid_to IS NULL
