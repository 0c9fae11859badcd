-- One row per policy version and model: its tightenings from from_day to to_day (UTC days of the alert; parameters of the
-- view), and what came of them (view graded_tightenings). true_alerts and false_alerts count matured ones (120 days
-- over); precision = true / (true + false), NULL when none has matured. open_alerts = not yet known, of which
-- already_true have met their severe event; thin_alerts = customers not judged. median_lead_days and
-- p10_lead_days (one in ten was no longer; interpolated, as in the backtest) are of the right ones that have matured.
-- false_hold_rate = false_holds / judged_holds. Money by currency, in its unit.
SELECT policy_version, model,
       count() AS tightenings, uniqExact(customer_id) AS customers, countIf(retracted) AS retracted,
       countIf(matured AND grade = 'true') AS true_alerts, countIf(grade = 'false') AS false_alerts,
       countIf(NOT matured) AS open_alerts, countIf(NOT matured AND grade = 'true') AS already_true,
       countIf(grade = 'thin') AS thin_alerts,
       if(true_alerts + false_alerts = 0, NULL, true_alerts / (true_alerts + false_alerts)) AS precision,
       quantileExactInclusiveOrNullIf(0.5)(lead_days, matured AND grade = 'true') AS median_lead_days,
       quantileExactInclusiveOrNullIf(0.1)(lead_days, matured AND grade = 'true') AS p10_lead_days,
       sum(graded_tightenings.held_orders) AS held_orders, sum(graded_tightenings.judged_holds) AS judged_holds,
       sum(graded_tightenings.false_holds) AS false_holds,
       if(judged_holds = 0, NULL, false_holds / judged_holds) AS false_hold_rate,
       sumMap(graded_tightenings.exposure_reduced) AS exposure_reduced,
       sumMap(graded_tightenings.sales_forgone) AS sales_forgone,
       sumMap(graded_tightenings.sales_delayed) AS sales_delayed,
       min(day) AS first_day, max(day) AS last_day
FROM graded_tightenings
WHERE day >= {from_day:Date} AND day <= {to_day:Date}
GROUP BY policy_version, model
