-- One row per order that stands on hold and is neither invoiced nor cancelled: since when (held_since) and for how many
-- days as of the newest time of the log (age_days, with its part), what stood in its way (check_codes), the level, and
-- the exposure without the order at that decision. amount = what is still on order; money in the unit of currency. by,
-- reason: the person's whose decision it is ('' = automatic). to_pass = what would let it pass, measure = the mildest
-- that is enough (JSON, as in the event).
WITH
reductions AS
(
    SELECT customer_id, order_id, groupArray((time, ifNull(toDecimal128(amount, 4), toDecimal128(1e15, 4)))) AS taken
    FROM events
    WHERE order_id != '' AND type IN ('order.invoiced', 'order.cancelled')
    GROUP BY customer_id, order_id
)
SELECT order_decisions.customer_id AS customer_id, order_decisions.order_id AS order_id,
       order_decisions.amount - arraySum(arrayMap(x -> if(x.1 > order_decisions.time, x.2, toDecimal128(0, 4)),
                                                  reductions.taken)) AS amount,
       currency, level, severity,
       ifNull(parseDateTime64BestEffortOrNull(JSONExtractString(event, 'data', 'held_since'), 3, 'UTC'), order_decisions.time) AS held_since,
       dateDiff('second', held_since, book_day.newest_time) / 86400 AS age_days, check_codes,
       exposure, credit_limit, headroom, utilisation, overdue, oldest_days_past_due,
       JSONExtractUInt(event, 'data', 'version') AS version, JSONExtractString(event, 'data', 'by') AS by,
       JSONExtractString(event, 'data', 'reason') AS reason, JSONExtractRaw(event, 'data', 'to_pass') AS to_pass,
       JSONExtractRaw(event, 'data', 'measure') AS measure, policy_version, order_decisions.time AS time, sequence, id
FROM order_decisions
CROSS JOIN book_day
LEFT JOIN reductions ON reductions.customer_id = order_decisions.customer_id
    AND reductions.order_id = order_decisions.order_id
WHERE latest AND decision = 'hold' AND amount > 0
