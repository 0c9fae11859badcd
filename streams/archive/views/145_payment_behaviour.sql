-- One row per invoice that is paid and was never disputed: days_late of the payment that closed it (negative = early), and
-- the customer's own normal range before it: mean of its payments of the 365 days before that day (none of the same day),
-- two standard deviations to either side. The range is NULL with fewer than 5 of them; outside = whether the payment lies
-- beyond it. amount in the unit of currency. dbt = days beyond terms (domain.md): of the payments in this currency of the
-- 365 days up to this day, sum(amount x days late, early = 0) / sum(amount).
WITH
payments AS
(
    SELECT customer_id, invoice_id, currency, amount, issue_date, due_date, assumeNotNull(paid_day) AS paid_day, days_late,
           toInt32(toUInt16(assumeNotNull(invoice_outcomes.paid_day))) AS day_number,
           toFloat64(amount) * greatest(days_late, 0) AS weighted
    FROM invoice_outcomes
    WHERE NOT disputed AND invoice_outcomes.paid_day IS NOT NULL
),
seen AS
(
    SELECT *,
           count() OVER earlier AS known, avg(days_late) OVER earlier AS mean, stddevPop(days_late) OVER earlier AS deviation,
           sum(weighted) OVER of_currency AS weighted_late, sum(toFloat64(amount)) OVER of_currency AS paid
    FROM payments
    WINDOW earlier AS (PARTITION BY customer_id ORDER BY day_number RANGE BETWEEN 365 PRECEDING AND 1 PRECEDING),
           of_currency AS (PARTITION BY customer_id, currency ORDER BY day_number
                           RANGE BETWEEN 364 PRECEDING AND CURRENT ROW)
)
SELECT customer_id, invoice_id, currency, amount, issue_date, due_date, paid_day, days_late,
       if(known < 5, NULL, mean - 2 * deviation) AS normal_low, if(known < 5, NULL, mean + 2 * deviation) AS normal_high,
       toBool(known >= 5 AND (days_late < normal_low OR days_late > normal_high)) AS outside,
       if(paid = 0, NULL, weighted_late / paid) AS dbt
FROM seen
