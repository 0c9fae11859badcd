-- One row per currency: days sales outstanding by countback, as of the day of the book (domain.md): take off the
-- newest month's sales from the receivables and add its days; repeat; the last month pro rata. Months are calendar
-- months; the newest one counts from its first day up to as_of. A month without sales takes off nothing and adds
-- its days. Receivables are those of dso. uncovered = receivables older than all sales of the book (unit of currency): where it is not 0, dso is
-- a lower bound.
WITH
monthly AS
(
    SELECT currency, toStartOfMonth(least(ifNull(issue_date, book_day.as_of), book_day.as_of)) AS month,
           sumIf(amount, issue_date <= book_day.as_of) AS sold,
           sum(arraySum(m -> if(m.day <= book_day.as_of, m.open_change, toDecimal128(0, 4)), moves)) AS open
    FROM invoice_ledger
    CROSS JOIN book_day
    GROUP BY currency, month
),
filled AS
(
    -- every month from the first one on, also those without any sale
    SELECT currency, receivables, as_of, entry.1 AS month, sum(entry.2) AS sold,
           least(addMonths(month, 1), as_of + 1) - month AS days
    FROM
    (
        SELECT currency, groupArray((month, sold)) AS known, sum(open) AS receivables, min(month) AS first_month,
               any(book_day.as_of) AS as_of, toUInt32(dateDiff('month', first_month, as_of) + 1) AS months
        FROM monthly
        CROSS JOIN book_day
        GROUP BY currency
    )
    ARRAY JOIN arrayConcat(known, arrayMap(n -> (addMonths(first_month, n), toDecimal128(0, 4)), range(months)))
        AS entry
    GROUP BY currency, receivables, as_of, month
),
counted AS
(
    SELECT *, sum(sold) OVER (PARTITION BY currency ORDER BY month DESC
                              ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - sold AS taken_off
    FROM filled
)
SELECT currency, as_of, receivables,
       sum(multiIf(receivables <= taken_off, 0.0,
                   receivables - taken_off >= sold, toFloat64(days),
                   toFloat64(receivables - taken_off) / toFloat64(sold) * days)) AS dso,
       greatest(receivables - sum(sold), toDecimal128(0, 4)) AS uncovered
FROM counted
GROUP BY currency, as_of, receivables
