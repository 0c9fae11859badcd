-- One row per customer whose tightening the brake stopped and that waits for a person: level stays, to_level is where it
-- leads (the same where only limit or terms are cut). since = when it was stopped first, age_hours = newest time of the
-- whole log less since, in event time; version is what a person's decision may name. Decide by an event on the topic
-- assessments: review.approved or review.rejected.
SELECT review.customer_id AS customer_id, review.level AS level,
       JSONExtractString(review.data, 'to_level') AS to_level, review.cause_kind AS cause_kind,
       parseDateTime64BestEffort(JSONExtractString(review.data, 'since'), 3, 'UTC') AS since,
       dateDiff('millisecond', since, book_day.newest_time) / 3600000 AS age_hours,
       JSONExtractUInt(review.data, 'version') AS version, review.severity AS severity, review.at_stake AS at_stake,
       review.reason_codes AS reason_codes, review.reason_points AS reason_points, review.cap_codes AS cap_codes,
       review.score AS score, review.policy_version AS policy_version, review.model_version AS model_version,
       review.id AS id, review.event AS event
FROM
(
    SELECT *, JSONExtractRaw(event, 'data', 'review') AS data
    FROM raw_alerts FINAL
    WHERE kind = 'review'
    ORDER BY sequence DESC
    LIMIT 1 BY customer_id
) AS review
CROSS JOIN book_day
WHERE JSONExtractString(review.data, 'state') = 'pending'
