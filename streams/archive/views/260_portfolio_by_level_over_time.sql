-- One row per day and level, from the first decision to the day of the book: how many customers stood at the level
-- at the end of the (UTC) day. Days without any change carry the last count on; every level that ever occurred has
-- a row on every day. Customers that were never assessed are not counted.
WITH
steps AS
(
    -- a decision never counts before an earlier one of its customer, whatever the order of their event times
    SELECT toString(level) AS reached,
           toString(lagInFrame(level, 1, '') OVER in_order) AS before,
           toDate(max(valid_from) OVER in_order) AS day
    FROM level_history
    WINDOW in_order AS (PARTITION BY customer_id ORDER BY sequence, valid_from
                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
deltas AS
(
    SELECT day, level, sum(change) AS change
    FROM
    (
        SELECT day, reached AS level, 1 AS change FROM steps WHERE reached != before
        UNION ALL
        SELECT day, before AS level, -1 AS change FROM steps WHERE reached != before AND before != ''
    )
    GROUP BY day, level
),
filled AS
(
    SELECT day, level, change FROM deltas
    UNION ALL
    SELECT first_day + arrayJoin(range(days)), level, 0
    FROM (SELECT DISTINCT level FROM deltas) AS levels
    CROSS JOIN
    (
        SELECT min(day) AS first_day, toUInt32(greatest(max(day), any(book_day.as_of)) - first_day + 1) AS days
        FROM deltas
        CROSS JOIN book_day
        HAVING count() > 0
    ) AS bounds
)
SELECT day, level,
       sum(sum(change)) OVER (PARTITION BY level ORDER BY day
                              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS customers
FROM filled
GROUP BY day, level
