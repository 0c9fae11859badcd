-- One row per currency of the book and DPD bucket (all five), as of the day of the book: the ledger view of the expected
-- loss, a provision matrix (domain.md: sum(bucket balance x loss rate)), beside the view expected_loss:
--   roll_rate = what rolled out of the bucket / what was in it, over the last 12 complete months, by amount (view roll_rates)
--   loss_rate = product of the roll rates from the bucket on x lgd; of 91+, from which nothing rolls on, lgd itself
--   provision = balance x loss_rate; summed over the buckets of a currency it is the provision
-- balance in the unit of currency; never add across currencies. lgd = parameter of the view, 0 to 1. Where there is no
-- history no rate is made up: roll_rate is NULL of a bucket in which nothing was at the start of any of these months, and
-- so are loss_rate and provision of all buckets before it; but nothing open needs no provision (0), and past a bucket out
-- of which nothing rolled nothing is lost (0). months = how many of the 12 the book has.
WITH
rolled AS
(
    SELECT currency, uniqExact(month) AS months, sumMap(map(bucket_order, opening_balance)) AS opening,
           sumMap(map(bucket_order, rolled_balance)) AS moved,
           arrayMap(k -> if(opening[k] = 0, NULL, toFloat64(moved[k]) / toFloat64(opening[k])), [1, 2, 3, 4]) AS rates
    FROM roll_rates
    CROSS JOIN book_day
    WHERE complete AND month >= addMonths(toStartOfMonth(book_day.as_of + 1), -12)
    GROUP BY currency
),
matrix AS
(
    SELECT dpd_ageing.*, rolled.months AS months, arrayResize(rolled.rates, 4, NULL) AS known,
           arraySlice(known, bucket_order) AS ahead,
           if(has(ahead, 0), 0, arrayFold((product, rate) -> product * rate, ahead, toNullable(1.0))) AS rolls_to_the_end
    FROM dpd_ageing
    LEFT JOIN rolled ON rolled.currency = dpd_ageing.currency
)
SELECT currency, bucket, bucket_order, as_of, outstanding AS balance, months,
       if(bucket_order < 5, known[bucket_order], NULL) AS roll_rate,
       rolls_to_the_end * {lgd:Float64} AS loss_rate, if(balance = 0, 0, toFloat64(balance) * loss_rate) AS provision
FROM matrix
