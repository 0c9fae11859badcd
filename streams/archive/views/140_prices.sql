-- One row per price of a supplier (customer_id is the supplier's account): what it asks and the reference, for one
-- quantity_unit in currency, and their ratio. quantity NULL counts as 1 unit.
SELECT customer_id, event_id, occurred_at, JSONExtractString(event, 'item') AS item, toString(currency) AS currency,
       toDecimal64OrZero(JSONExtractString(event, 'unit_price'), 4) AS unit_price,
       toDecimal64OrZero(JSONExtractString(event, 'reference_price'), 4) AS reference_price,
       toDecimal64OrNull(JSONExtractString(event, 'quantity'), 4) AS quantity,
       JSONExtractString(event, 'quantity_unit') AS quantity_unit,
       toFloat64(unit_price) / toFloat64(reference_price) AS ratio
FROM events
WHERE type = 'price.quoted'
