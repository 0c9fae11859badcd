-- One row per currency and level: EL = PD x LGD x exposure (domain.md), summed over the customers at the level. exposure
-- (where above 0) = that of the latest decision, in the unit of currency; mean_probability = that of the latest decision's
-- bad event (paid late), weighed by exposure. Few of the late are lost, so PD = probability x late_to_bad: of the invoices
-- of the whole book that were late beyond the grace and due more than 60 days ago, the share that was more than 60 days
-- late, which is what the backtest calls bad (undisputed ones only; 1 = all of them, as long as there are none).
-- lgd = parameter of the view, 0 to 1.
WITH
grace AS
(
    SELECT toInt32OrZero(extract(argMax(bad_event, (time, sequence)), 'more than ([0-9]+) days')) AS days
    FROM raw_levels
),
bad AS
(
    SELECT countIf(days_late > grace.days) AS late,
           if(late = 0, 1, countIf(days_late > grace.days AND severe_day IS NOT NULL) / late) AS share
    FROM invoice_outcomes
    CROSS JOIN grace
    WHERE NOT disputed AND due_date + 61 <= as_of
)
SELECT item.currency AS currency, toString(level) AS level, count() AS customers, sum(item.exposure) AS exposure,
       sum(toFloat64(item.exposure) * probability) / toFloat64(sum(item.exposure)) AS mean_probability,
       any(bad.share) AS late_to_bad,
       sum(toFloat64(item.exposure) * probability) * late_to_bad * {lgd:Float64} AS expected_loss
FROM current_levels
ARRAY JOIN exposures AS item
CROSS JOIN bad
WHERE item.exposure > 0
GROUP BY currency, level
