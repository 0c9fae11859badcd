-- One row per delivery of a supplier (customer_id is the supplier's account): days_late = delivered_date -
-- promised_date, at least 0; filled = (delivered - rejected) / ordered, 1 = in full (from which share on is policy).
-- Quantities in quantity_unit; never add them across items.
SELECT customer_id, event_id, JSONExtractString(event, 'purchase_order_id') AS purchase_order_id,
       toDate(JSONExtractString(event, 'promised_date')) AS promised_date,
       toDate(JSONExtractString(event, 'delivered_date')) AS delivered_date,
       toInt32(greatest(delivered_date - promised_date, 0)) AS days_late,
       toDecimal64OrZero(JSONExtractString(event, 'quantity_ordered'), 4) AS quantity_ordered,
       toDecimal64OrZero(JSONExtractString(event, 'quantity_delivered'), 4) AS quantity_delivered,
       toDecimal64OrZero(JSONExtractString(event, 'quantity_rejected'), 4) AS quantity_rejected,
       JSONExtractString(event, 'quantity_unit') AS quantity_unit,
       toFloat64(quantity_delivered - quantity_rejected) / toFloat64(quantity_ordered) AS filled
FROM events
WHERE type = 'delivery.received'
