-- One row per month of issue: how far the outcomes are known of what was foretold about its invoices (task A: paid more
-- than the days of grace late). Disputed ones are left out. invoices = issued in the month; matured = outcome certain:
-- paid, or open beyond the grace; bad = of them late; not_due = not yet past due; in_grace = past due, still within the
-- grace; maturity = matured / invoices; rate = bad / matured. While maturity is below 1 the rate is that of the quick ones
-- and says little. grace_days = those of the newest decision.
WITH
grace AS
(
    SELECT toInt32OrZero(extract(argMax(bad_event, (time, sequence)), 'more than ([0-9]+) days')) AS days
    FROM raw_levels
)
SELECT toStartOfMonth(issue_date) AS month, any(grace.days) AS grace_days, count() AS invoices,
       countIf(paid_day IS NOT NULL OR days_late > grace.days) AS matured, countIf(days_late > grace.days) AS bad,
       countIf(paid_day IS NULL AND days_late <= 0) AS not_due,
       countIf(paid_day IS NULL AND days_late > 0 AND days_late <= grace.days) AS in_grace,
       matured / invoices AS maturity, if(matured = 0, NULL, bad / matured) AS rate
FROM invoice_outcomes
CROSS JOIN grace
WHERE NOT disputed
GROUP BY month
