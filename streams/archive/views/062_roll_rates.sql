-- One row per currency, calendar month and DPD bucket, from the first movement to the day of the book: the roll rate
-- (domain.md):
--   rate = balance moving from the bucket to the next one in the month / balance in the bucket at its start
-- opening_balance = what was open at the end of the month before, in the bucket of that day. rolled_balance = of it, by
-- invoice, what is still open at the end of the month and then stands in an older bucket (in a month of 31 days some pass
-- two borders); what was paid, or is in the same bucket still, has not rolled. The last bucket, 91+, has no next one and
-- no row. rate is NULL where nothing was in the bucket. In the unit of currency, in business time and as known today
-- (late bookings change past months). The newest month closes on as_of and has complete = false.
WITH
['current', '1-30', '31-60', '61-90', '91+'] AS buckets,
starts AS
(
    -- one row per invoice and month that it may begin in one of the buckets
    SELECT currency, due_date, moves, book_day.as_of AS as_of, addMonths(toStartOfMonth(first_day), n) AS month
    FROM (SELECT currency, due_date, moves, arrayMin(m -> m.day, moves) AS first_day FROM invoice_ledger) AS invoices
    CROSS JOIN book_day
    ARRAY JOIN range(1, toUInt32(greatest(dateDiff('month', first_day, least(as_of, due_date + 91)), 0)) + 1) AS n
),
balances AS
(
    SELECT currency, month,
           arraySum(arrayMap(m -> if(m.day < month, m.open_change, toDecimal128(0, 4)), moves)) AS opening,
           arraySum(arrayMap(m -> if(m.day <= last_day, m.open_change, toDecimal128(0, 4)), moves)) AS closing,
           least(addMonths(month, 1) - 1, as_of) AS last_day,
           arrayMap(d -> multiIf(d <= 0, 1, d <= 30, 2, d <= 60, 3, d <= 90, 4, 5),
                    [month - 1 - due_date, last_day - due_date]) AS places
    FROM starts
),
filled AS
(
    SELECT currency, month, places[1] AS place, opening,
           if(places[2] > place, greatest(least(opening, closing), toDecimal128(0, 4)), toDecimal128(0, 4)) AS rolled
    FROM balances
    WHERE place < 5
    UNION ALL
    -- every month from the first movement on, each bucket, also those without any
    SELECT currency, addMonths(first_month, n) AS month, place, toDecimal128(0, 4), toDecimal128(0, 4)
    FROM
    (
        SELECT currency, toStartOfMonth(min(move.day)) AS first_month, any(book_day.as_of) AS as_of
        FROM invoice_ledger
        CROSS JOIN book_day
        ARRAY JOIN moves AS move
        WHERE move.day <= book_day.as_of
        GROUP BY currency
    )
    ARRAY JOIN range(toUInt32(dateDiff('month', first_month, as_of) + 1)) AS n
    ARRAY JOIN [1, 2, 3, 4] AS place
)
SELECT currency, month, buckets[place] AS bucket, place AS bucket_order, buckets[place + 1] AS next_bucket,
       sum(opening) AS opening_balance, sum(rolled) AS rolled_balance,
       if(opening_balance = 0, NULL, toFloat64(rolled_balance) / toFloat64(opening_balance)) AS rate,
       toBool(addMonths(month, 1) <= any(book_day.as_of) + 1) AS complete
FROM filled
CROSS JOIN book_day
GROUP BY currency, month, place
