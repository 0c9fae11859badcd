-- One row per customer and currency with anything open, as of the day of the book, from the log alone (domain.md):
--   exposure = open_orders + open_invoices - unapplied_cash      all in the unit of currency
-- open_orders: what is open of the orders in order_ledger, without those whose latest decision is hold or
-- reject. unapplied_cash: payments and credit notes less reversals that stand against no invoice. overdue = open
-- invoices with days_past_due > 0, as the ledger has them: the engine takes off what is disputed and what unapplied
-- cash covers. disputed = the part of open_invoices that is contested. Not known here: the credit horizon of orders and
-- the limit (policy), and what of a held order may go in part; what the engine decided with stands in
-- current_levels.exposures.
WITH
decided AS
(
    SELECT customer_id, order_id, argMax(decision, (sequence, time)) AS decision
    FROM raw_order_decisions FINAL
    GROUP BY customer_id, order_id
),
-- Put together by grouping: after an inner join here, later queries of the view events missed rows (seen with chDB;
-- it seems that the filter that the join makes while it runs ends up in the cache of query conditions).
contested_items AS
(
    SELECT customer_id, max(of_item) AS currency, sum(outstanding) AS open, max(part) AS disputed_part,
           max(of_dispute) AS disputed_currency
    FROM
    (
        SELECT customer_id, invoice_id, toString(currency) AS of_item, outstanding, NULL AS part, '' AS of_dispute,
               0 AS is_dispute
        FROM open_items
        UNION ALL
        SELECT customer_id, invoice_id, '', toDecimal128(0, 4), disputed_amount, disputes.currency, 1
        FROM disputes
        WHERE disputes.open
    )
    GROUP BY customer_id, invoice_id
    HAVING max(is_dispute) = 1 AND max(of_item) != ''
),
parts AS
(
    SELECT orders.customer_id AS customer_id, orders.currency AS currency, orders.open AS open_orders,
           toDecimal128(0, 4) AS open_invoices, toDecimal128(0, 4) AS unapplied, toDecimal128(0, 4) AS overdue,
           toInt32(0) AS days_past_due, toDecimal128(0, 4) AS disputed
    FROM order_ledger AS orders
    LEFT JOIN decided ON decided.customer_id = orders.customer_id AND decided.order_id = orders.order_id
    WHERE decided.decision NOT IN ('hold', 'reject') AND orders.open > 0
    UNION ALL
    SELECT customer_id, currency, toDecimal128(0, 4), outstanding, toDecimal128(0, 4),
           if(days_past_due > 0, outstanding, toDecimal128(0, 4)), days_past_due, toDecimal128(0, 4)
    FROM open_items
    UNION ALL
    SELECT customer_id, currency, toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4),
           toInt32(0), least(open, ifNull(toDecimal128(disputed_part, 4), open))
    FROM contested_items
    WHERE disputed_part IS NULL OR disputed_currency = currency
    UNION ALL
    -- all cash, less what was applied to invoices (open_change of a payment is negative, of a reversal positive)
    SELECT customer_id, toString(currency), toDecimal128(0, 4), toDecimal128(0, 4),
           if(type != 'payment.reversed', toDecimal128(assumeNotNull(amount), 4), -toDecimal128(assumeNotNull(amount), 4)),
           toDecimal128(0, 4), toInt32(0), toDecimal128(0, 4)
    FROM events
    WHERE type IN ('payment.received', 'payment.reversed') OR (type = 'dispute.resolved' AND amount IS NOT NULL)
    UNION ALL
    SELECT customer_id, currency, toDecimal128(0, 4), toDecimal128(0, 4), open_change, toDecimal128(0, 4), toInt32(0),
           toDecimal128(0, 4)
    FROM receivable_moves
    WHERE kind IN ('payment.received', 'payment.reversed', 'dispute.resolved')
)
SELECT customer_id, currency, any(book_day.as_of) AS as_of,
       sum(parts.open_orders) AS open_orders, sum(parts.open_invoices) AS open_invoices,
       sum(parts.unapplied) AS unapplied_cash,
       open_orders + open_invoices - unapplied_cash AS exposure,
       sum(parts.overdue) AS overdue, max(parts.days_past_due) AS oldest_days_past_due,
       sum(parts.disputed) AS disputed
FROM parts
CROSS JOIN book_day
GROUP BY customer_id, currency
HAVING open_orders != 0 OR open_invoices != 0 OR unapplied_cash != 0
