-- One row per customer that was ever assessed: its scores of the past as (day, score), one per day on which a decision
-- was told (the last of the day), oldest first, the newest 40 of them. A score that changed without any decision is
-- not among them.
SELECT customer_id,
       arraySlice(arraySort(groupArray((day, last))), -40) AS points
FROM
(
    SELECT customer_id, toDate(time) AS day, argMax(score, (sequence, kind)) AS last
    FROM
    (
        SELECT customer_id, time, sequence, score, 0 AS kind FROM raw_levels FINAL
        UNION ALL
        SELECT customer_id, time, sequence, score, 1 AS kind FROM raw_alerts FINAL
    )
    GROUP BY customer_id, day
)
GROUP BY customer_id
