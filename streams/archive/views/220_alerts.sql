-- One row per alert: kind = tightening, easing, retraction, or review (a tightening that waits for a person, or waits no
-- more: see tightening_reviews). at_stake per currency in its unit.
-- retracted_by = id of the retraction that took this alert back, retracted_at its event time ('' and NULL = it
-- stands). Scores 0 to 1000, probability of bad_event within horizon_days.
SELECT alert.customer_id AS customer_id, alert.id AS id, alert.time AS time, alert.kind AS kind,
       alert.cause_kind AS cause_kind, alert.severity AS severity, alert.sequence AS sequence,
       alert.level AS level, alert.level_before AS level_before, alert.score AS score,
       alert.score_before AS score_before, alert.provisional AS provisional, alert.probability AS probability,
       alert.bad_event AS bad_event, alert.horizon_days AS horizon_days, alert.at_stake AS at_stake,
       alert.reason_codes AS reason_codes, alert.reason_points AS reason_points, alert.cap_codes AS cap_codes,
       alert.retracts AS retracts, alert.retracts_because AS retracts_because,
       taken_back.id AS retracted_by, if(retracted_by = '', NULL, taken_back.time) AS retracted_at,
       alert.cause_type AS cause_type, alert.cause_topic AS cause_topic, alert.cause_partition AS cause_partition,
       alert.cause_offset AS cause_offset, alert.policy_version AS policy_version,
       alert.model_version AS model_version, alert.recorded_time AS recorded_time, alert.event AS event
FROM raw_alerts AS alert FINAL
LEFT JOIN
(
    SELECT customer_id, retracts, argMin(raw_alerts.id, raw_alerts.sequence) AS id, min(raw_alerts.time) AS time
    FROM raw_alerts FINAL
    WHERE retracts != ''
    GROUP BY customer_id, retracts
) AS taken_back ON taken_back.customer_id = alert.customer_id AND taken_back.retracts = alert.id
