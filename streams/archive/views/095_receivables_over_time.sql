-- One row per currency and calendar month of the view cei, with the other measures of its last day (domain.md; the newest
-- month closes on the day of the book): over the 90 days up to that day
--   dso = closing receivables / credit sales x 90, best_possible_dso = those not past due / credit sales x 90,
--   add_days = dso - best_possible_dso
-- NULL when nothing was sold in them. Balances as in cei: business time, as known today, in the unit of currency.
WITH
sales AS
(
    SELECT currency, groupArray((assumeNotNull(issue_date), amount)) AS sold
    FROM invoice_ledger
    WHERE issue_date IS NOT NULL
    GROUP BY currency
)
SELECT cei.currency AS currency, month, least(addMonths(month, 1) - 1, book_day.as_of) AS last_day,
       closing_ar AS receivables, closing_current_ar AS current_receivables,
       arraySum(arrayMap(s -> if(s.1 > last_day - 90 AND s.1 <= last_day, s.2, toDecimal128(0, 4)), sales.sold))
           AS credit_sales_90,
       if(credit_sales_90 = 0, NULL, toFloat64(receivables) / toFloat64(credit_sales_90) * 90) AS dso,
       if(credit_sales_90 = 0, NULL, toFloat64(current_receivables) / toFloat64(credit_sales_90) * 90)
           AS best_possible_dso,
       dso - best_possible_dso AS add_days, cei, complete
FROM cei
CROSS JOIN book_day
LEFT JOIN sales ON sales.currency = cei.currency
