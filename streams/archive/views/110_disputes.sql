-- One row per invoice that was ever disputed: open = whether it is now (its newest news by occurred_at is a dispute; an
-- end of the same moment counts). disputed_amount in the unit of currency, NULL = all of it; reason of the newest
-- dispute; credited = sum of the credit notes. disputed_at, resolved_at: newest of each, NULL = none.
SELECT customer_id, invoice_id,
       argMax(type, (occurred_at, type = 'dispute.resolved')) = 'invoice.disputed' AS open,
       JSONExtractString(argMaxIf(event, occurred_at, type = 'invoice.disputed'), 'reason') AS reason,
       argMaxIf(tuple(amount), occurred_at, type = 'invoice.disputed').1 AS disputed_amount,
       anyIf(toString(currency), currency != '') AS currency,
       sumIf(ifNull(amount, 0), type = 'dispute.resolved') AS credited,
       maxOrNullIf(occurred_at, type = 'invoice.disputed') AS disputed_at,
       maxOrNullIf(occurred_at, type = 'dispute.resolved') AS resolved_at
FROM events
WHERE type IN ('invoice.disputed', 'dispute.resolved')
GROUP BY customer_id, invoice_id
