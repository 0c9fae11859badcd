-- One row per day, level and currency, from the first movement to the day of the book: exposure at the end of the (UTC)
-- day of the customers that stood at the level then, in the unit of currency; UNRATED before a customer's first decision.
-- Exposure as in customer_exposure (open orders + open invoices - unapplied cash, from the log alone), in business time
-- and as known today: on the last day the levels of a currency sum to it. An order counts from the day of the decision
-- that stands, approve or release, on; one that stands at hold or reject never does.
WITH
decided AS
(
    SELECT customer_id, order_id, argMax(decision, (sequence, time)) AS decision,
           toDate(argMax(time, (sequence, time))) AS day
    FROM raw_order_decisions FINAL
    GROUP BY customer_id, order_id
),
order_moves AS
(
    SELECT orders.customer_id AS customer_id, move.currency AS currency,
           greatest(move.day, ifNull(decided.day, toDate(0))) AS day, move.open_change AS change
    FROM order_ledger AS orders
    LEFT JOIN decided ON decided.customer_id = orders.customer_id AND decided.order_id = orders.order_id
    ARRAY JOIN orders.moves AS move
    WHERE decided.decision NOT IN ('hold', 'reject')
),
moves AS
(
    SELECT customer_id, currency, day, change
    FROM order_moves
    UNION ALL
    -- open invoices less unapplied cash = all that was invoiced or noticed less all cash, whatever it was applied to
    SELECT customer_id, currency, day, open_change
    FROM receivable_moves
    WHERE kind NOT IN ('payment.received', 'payment.reversed', 'dispute.resolved')
    UNION ALL
    SELECT customer_id, toString(currency), toDate(ifNull(paid_at, occurred_at)),
           toDecimal128(assumeNotNull(amount), 4) * if(type = 'payment.reversed', 1, -1)
    FROM events
    WHERE type IN ('payment.received', 'payment.reversed') OR (type = 'dispute.resolved' AND amount IS NOT NULL)
),
levels AS
(
    SELECT customer_id, day, argMax(level, place) AS level
    FROM
    (
        SELECT customer_id, toString(level) AS level, (sequence, valid_from) AS place,
               toDate(max(valid_from) OVER (PARTITION BY customer_id ORDER BY sequence, valid_from
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) AS day
        FROM level_history
    )
    GROUP BY customer_id, day
),
daily AS
(
    SELECT customer_id, currency, day, sum(change) AS change, max(reached) AS reached
    FROM
    (
        SELECT customer_id, currency, least(day, book_day.as_of) AS day, change, '' AS reached
        FROM moves
        CROSS JOIN book_day
        UNION ALL
        SELECT levels.customer_id, known.currency, levels.day, toDecimal128(0, 4), levels.level
        FROM levels
        INNER JOIN (SELECT DISTINCT customer_id, toString(currency) AS currency FROM raw_log WHERE amount IS NOT NULL) AS known
            ON known.customer_id = levels.customer_id
    )
    GROUP BY customer_id, currency, day
),
standing AS
(
    SELECT currency, day, ifNull(anyLast(nullIf(reached, '')) OVER so_far, 'UNRATED') AS level,
           sum(change) OVER so_far AS balance, customer_id
    FROM daily
    WINDOW so_far AS (PARTITION BY customer_id, currency ORDER BY day
                      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
deltas AS
(
    SELECT day, step.1 AS level, currency, sum(step.2) AS change
    FROM
    (
        SELECT day, currency,
               lagInFrame(level, 1, '') OVER in_order AS level_before, lagInFrame(balance) OVER in_order AS balance_before,
               if(level_before = '', [(level, balance)], [(level, balance), (level_before, -balance_before)]) AS steps
        FROM standing
        WINDOW in_order AS (PARTITION BY customer_id, currency ORDER BY day
                            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    ARRAY JOIN steps AS step
    GROUP BY day, level, currency
),
filled AS
(
    -- every day from the first one on, also those without any change
    SELECT level, currency, entry.1 AS day, sum(entry.2) AS change
    FROM
    (
        SELECT level, currency, groupArray((day, change)) AS known, min(min(day)) OVER () AS first_day,
               toUInt32(any(book_day.as_of) - first_day + 1) AS days
        FROM deltas
        CROSS JOIN book_day
        GROUP BY level, currency
    )
    ARRAY JOIN arrayConcat(known, arrayMap(n -> (first_day + n, toDecimal128(0, 4)), range(days))) AS entry
    GROUP BY level, currency, day
)
SELECT day, level, currency,
       sum(change) OVER (PARTITION BY level, currency ORDER BY day
                         ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS exposure
FROM filled
