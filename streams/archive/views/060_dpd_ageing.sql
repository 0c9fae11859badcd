-- One row per currency of the book and DPD bucket (all five, also when empty), as of the day of the book: what is
-- open in the unit of currency, in how many invoices of how many customers, and the bucket's share of all that is
-- open in the currency, 0 to 1 (domain.md, DPD).
WITH
filled AS
(
    SELECT currency, bucket, customer_id, outstanding, 1 AS invoice FROM open_items
    UNION ALL
    SELECT currency, arrayJoin(['current', '1-30', '31-60', '61-90', '91+']), '', toDecimal128(0, 4), 0
    FROM (SELECT DISTINCT currency FROM invoice_ledger)
),
buckets AS
(
    SELECT currency, bucket, sum(outstanding) AS open, sum(invoice) AS invoices,
           uniqExactIf(customer_id, invoice = 1) AS customers
    FROM filled
    GROUP BY currency, bucket
)
SELECT currency, bucket, indexOf(['current', '1-30', '31-60', '61-90', '91+'], bucket) AS bucket_order,
       book_day.as_of AS as_of, open AS outstanding, invoices, customers,
       sum(open) OVER (PARTITION BY currency) AS currency_total,
       if(currency_total = 0, NULL, toFloat64(outstanding) / toFloat64(currency_total)) AS share
FROM buckets
CROSS JOIN book_day
