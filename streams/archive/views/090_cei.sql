-- One row per currency and calendar month, from the first movement to the day of the book: the collection
-- effectiveness index in percent (domain.md):
--   cei = (opening AR + credit sales - closing total AR) / (opening AR + credit sales - closing current AR) x 100
-- AR = receivables at the end of the month in the unit of currency, in business time and as known today (late
-- bookings change past months); closing current AR = the part not past due on the last day. The newest month
-- closes on as_of and has complete = false. credit_sales = invoices issued in the month. cei is NULL when there was
-- nothing to collect.
WITH
changes AS
(
    -- an amount is past due from the day after its due date, or from its booking if that is later
    SELECT currency, change.day AS day, change.total AS total, change.past_due AS past_due, change.sold AS sold
    FROM invoice_ledger
    ARRAY JOIN arrayConcat(
        arrayMap(m -> CAST((m.day, m.open_change, 0, 0),
            'Tuple(day Date, total Decimal(38, 4), past_due Decimal(38, 4), sold Decimal(38, 4))'), moves),
        arrayMap(m -> CAST((greatest(m.day, due_date + 1), 0, m.open_change, 0),
            'Tuple(day Date, total Decimal(38, 4), past_due Decimal(38, 4), sold Decimal(38, 4))'), moves),
        if(issue_date IS NULL, [], [CAST((assumeNotNull(issue_date), 0, 0, amount),
            'Tuple(day Date, total Decimal(38, 4), past_due Decimal(38, 4), sold Decimal(38, 4))')])
    ) AS change
),
monthly AS
(
    SELECT currency, toStartOfMonth(day) AS month, sum(total) AS total, sum(past_due) AS past_due,
           sum(sold) AS credit_sales
    FROM changes
    CROSS JOIN book_day
    WHERE day <= book_day.as_of
    GROUP BY currency, month
),
filled AS
(
    -- every month from the first change on, also those without any
    SELECT currency, entry.1 AS month, sum(entry.2) AS total, sum(entry.3) AS past_due, sum(entry.4) AS credit_sales
    FROM
    (
        SELECT currency, groupArray((month, total, past_due, credit_sales)) AS known, min(month) AS first_month,
               toUInt32(dateDiff('month', first_month, any(book_day.as_of)) + 1) AS months
        FROM monthly
        CROSS JOIN book_day
        GROUP BY currency
    )
    ARRAY JOIN arrayConcat(known, arrayMap(
        n -> (addMonths(first_month, n), toDecimal128(0, 4), toDecimal128(0, 4), toDecimal128(0, 4)), range(months)
    )) AS entry
    GROUP BY currency, month
),
balances AS
(
    SELECT *,
           sum(total) OVER (PARTITION BY currency ORDER BY month
                            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS closing_ar,
           closing_ar - total AS opening_ar,
           closing_ar - sum(past_due) OVER (PARTITION BY currency ORDER BY month
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS closing_current_ar
    FROM filled
)
SELECT currency, month, opening_ar, credit_sales, closing_ar, closing_current_ar,
       if(opening_ar + credit_sales = closing_current_ar, NULL,
          toFloat64(opening_ar + credit_sales - closing_ar)
          / toFloat64(opening_ar + credit_sales - closing_current_ar) * 100) AS cei,
       toBool(addMonths(month, 1) <= book_day.as_of + 1) AS complete
FROM balances
CROSS JOIN book_day
