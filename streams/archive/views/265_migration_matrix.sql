-- One row per level at the end of from_day and level at the end of to_day (UTC days, parameters of the view): how many
-- customers moved from the one to the other, or stayed. A customer that was not assessed yet on from_day comes from
-- UNRATED; one that was assessed only after to_day is not counted.
SELECT if(before = '', 'UNRATED', before) AS level_before, after AS level_after, count() AS customers
FROM
(
    SELECT customer_id,
           toString(argMaxIf(level, (sequence, time), toDate(time) <= {from_day:Date})) AS before,
           toString(argMaxIf(level, (sequence, time), toDate(time) <= {to_day:Date})) AS after
    FROM raw_levels FINAL
    GROUP BY customer_id
)
WHERE after != ''
GROUP BY level_before, level_after
