-- One row per severe event of a customer: first day on which an invoice was more than 60 days past due (kind
-- days_past_due), or the mean lateness of the payments of 90 days had risen by more than 15 days against the 90 days
-- before (kind lateness; early counts 0). Severe days no more than 90 days apart are one event. The definition is that of
-- the backtest's early_warning (streams/backtesting/early_warning.py): undisputed invoices only. warned = a tightening to
-- WATCH or worse came within the 120 days up to that day; first_warned_day the earliest, lead_days = day -
-- first_warned_day. payments = paid invoices of the customer: with fewer than 5 it is not judged.
WITH
days AS
(
    SELECT customer_id, entry.day AS day, toInt32(toUInt16(day)) AS day_number, sum(entry.late) AS late,
           sum(entry.paid) AS paid, max(entry.passed) AS passed
    FROM invoice_outcomes
    ARRAY JOIN arrayFilter(e -> e.day != toDate(0), CAST(
        [(ifNull(paid_day, toDate(0)), greatest(days_late, 0), 1, 0), (ifNull(severe_day, toDate(0)), 0, 0, 1)],
        'Array(Tuple(day Date, late Int64, paid UInt64, passed UInt8))')) AS entry
    WHERE NOT disputed
    GROUP BY customer_id, day
),
means AS
(
    SELECT customer_id, day, passed, paid, sum(paid) OVER (PARTITION BY customer_id) AS payments,
           sum(late) OVER now AS late_now, sum(paid) OVER now AS paid_now,
           sum(late) OVER before AS late_before, sum(paid) OVER before AS paid_before
    FROM days
    WINDOW now AS (PARTITION BY customer_id ORDER BY day_number RANGE BETWEEN 89 PRECEDING AND CURRENT ROW),
           before AS (PARTITION BY customer_id ORDER BY day_number RANGE BETWEEN 179 PRECEDING AND 90 PRECEDING)
),
starts AS
(
    SELECT customer_id, day, passed, payments,
           lagInFrame(toNullable(day)) OVER (PARTITION BY customer_id ORDER BY day
                                             ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous
    FROM means
    WHERE passed = 1
       OR (paid > 0 AND paid_now > 0 AND paid_before > 0 AND late_now / paid_now - late_before / paid_before > 15)
),
warnings AS
(
    SELECT customer_id, groupArray(toDate(time)) AS days
    FROM alerts
    WHERE kind = 'tightening' AND level != level_before AND level IN ('WATCH', 'HIGH_RISK', 'BLOCKED')
    GROUP BY customer_id
)
SELECT starts.customer_id AS customer_id, starts.day AS day, if(passed = 1, 'days_past_due', 'lateness') AS kind, payments,
       nullIf(arrayMin(arrayFilter(w -> w <= starts.day AND w >= starts.day - 120, warnings.days)), toDate(0))
           AS first_warned_day,
       toBool(first_warned_day IS NOT NULL) AS warned,
       toInt32(starts.day - first_warned_day) AS lead_days
FROM starts
LEFT JOIN warnings ON warnings.customer_id = starts.customer_id
WHERE previous IS NULL OR starts.day - previous > 90
