-- One row per tightening: an alert by which a customer's level fell to WATCH or worse, graded by what came after it, with
-- the definition of the backtest's early_warning. grade:
--   true   a severe event (view severe_events) of the customer came on that day or within 120 days: severe_day, lead_days
--   false  120 days are over without one
--   open   not yet known: fewer than 120 days have passed (to the day of the book)
--   thin   120 days are over, and the customer has paid fewer than 5 invoices: it is not judged
-- matured = the 120 days are over. Right ones are known earlier than wrong ones, so a precision must count matured ones
-- only (view tightening_grades). retracted = taken back later; it is graded all the same, since somebody was told.
-- model = model_version without the number of outcomes it had learned. Money by currency, in its unit:
-- exposure_at, exposure_then = what was open of invoices at the end of the day of the tightening, and of until (the
-- severe day, or the last of the 120 days, or the day of the book), exposure_reduced = the first less the second.
-- An order that was held or rejected while the customer stood at WATCH or worse belongs to the newest tightening before:
-- held_orders, sales_forgone = those that were neither let go nor invoiced, sales_delayed = the others. judged_holds =
-- those that were invoiced and whose outcome is known, false_holds = of these, paid within the days of grace of the
-- alert's bad event, as in the backtest's money: what was never shipped is in no rate.
WITH
warnings AS
(
    SELECT customer_id, id AS alert_id, time, toDate(time) AS day, level, level_before, cause_kind, severity,
           toString(policy_version) AS policy_version, toString(model_version) AS model_version,
           toBool(retracted_by != '') AS retracted, toInt32OrZero(extract(bad_event, 'more than ([0-9]+) days')) AS grace_days
    FROM alerts
    WHERE kind = 'tightening' AND level != level_before AND level IN ('WATCH', 'HIGH_RISK', 'BLOCKED')
),
happened AS
(
    SELECT customer_id, groupArray(day) AS days
    FROM severe_events
    WHERE customer_id IN (SELECT customer_id FROM warnings)
    GROUP BY customer_id
),
-- One row per customer, so that invoice_outcomes, the costly part, is read once for payments and for held orders.
payers AS
(
    SELECT customer_id, sum(payments) AS payments, mapFromArrays(groupArray(order_id), groupArray(outcome)) AS outcomes
    FROM
    (
        SELECT customer_id, order_id, countIf(NOT disputed AND paid_day IS NOT NULL) AS payments,
               CAST((order_id != '', max(disputed), max(days_late), countIf(paid_day IS NULL) = 0),
                    'Tuple(invoiced Bool, disputed Bool, days_late Int32, paid Bool)') AS outcome
        FROM invoice_outcomes
        WHERE customer_id IN (SELECT customer_id FROM warnings)
        GROUP BY customer_id, order_id
    )
    GROUP BY customer_id
),
books AS
(
    SELECT customer_id, groupArray((toString(currency), day, open_change)) AS changes
    FROM receivable_moves
    WHERE customer_id IN (SELECT customer_id FROM warnings)
    GROUP BY customer_id
),
held AS
(
    SELECT customer_id, order_id, toString(any(currency)) AS currency, max(amount) AS amount, max(time) AS decided_at,
           minIf(time, decision IN ('hold', 'reject')) AS held_at,
           argMinIf(level, sequence, decision IN ('hold', 'reject')) AS level,
           argMax(decision, (sequence, time)) AS last_decision
    FROM order_decisions
    WHERE customer_id IN (SELECT customer_id FROM warnings)
    GROUP BY customer_id, order_id
    HAVING countIf(decision IN ('hold', 'reject')) > 0 AND level IN ('WATCH', 'HIGH_RISK', 'BLOCKED')
),
holds AS
(
    SELECT warnings.alert_id AS alert_id,
           groupArray(CAST((order_id, currency, amount, last_decision IN ('hold', 'reject')),
                           'Tuple(order_id String, currency String, amount Decimal(38, 4), refused Bool)')) AS orders
    FROM held
    ASOF JOIN warnings ON warnings.customer_id = held.customer_id AND warnings.time <= held.held_at
    GROUP BY alert_id
),
arrayMap(o -> (map(o.currency, o.amount), o.refused, payers.outcomes[o.order_id]), holds.orders) AS held_then,
arrayFilter(o -> o.3.invoiced AND NOT o.3.disputed AND (o.3.paid OR o.3.days_late > grace_days), held_then) AS judged
SELECT warnings.customer_id AS customer_id, warnings.alert_id AS alert_id, time, warnings.day AS day, level, level_before,
       cause_kind, severity, policy_version, model_version, splitByChar('@', model_version)[1] AS model, retracted,
       toBool(book_day.as_of - warnings.day >= 120) AS matured, toUInt64(payers.payments) AS payments,
       if(payments < 5, NULL, nullIf(arrayMin(arrayFilter(d -> d >= warnings.day AND d <= warnings.day + 120,
                                                          happened.days)), toDate(0))) AS severe_day,
       multiIf(severe_day IS NOT NULL, 'true', NOT matured, 'open', payments < 5, 'thin', 'false') AS grade,
       toInt32(severe_day - warnings.day) AS lead_days,
       least(ifNull(severe_day, warnings.day + 120), book_day.as_of) AS until,
       arrayReduce('sumMap', arrayMap(x -> map(x.1, if(x.2 <= warnings.day, x.3, 0)), books.changes)) AS exposure_at,
       arrayReduce('sumMap', arrayMap(x -> map(x.1, if(x.2 <= until, x.3, 0)), books.changes)) AS exposure_then,
       mapSubtract(exposure_at, exposure_then) AS exposure_reduced,
       length(held_then) AS held_orders, length(judged) AS judged_holds,
       arrayCount(o -> o.3.days_late <= grace_days, judged) AS false_holds,
       arrayReduce('sumMap', arrayMap(o -> o.1, arrayFilter(o -> o.2 AND NOT o.3.invoiced, held_then))) AS sales_forgone,
       arrayReduce('sumMap', arrayMap(o -> o.1, arrayFilter(o -> NOT o.2 OR o.3.invoiced, held_then))) AS sales_delayed
FROM warnings
CROSS JOIN book_day
LEFT JOIN happened ON happened.customer_id = warnings.customer_id
LEFT JOIN payers ON payers.customer_id = warnings.customer_id
LEFT JOIN books ON books.customer_id = warnings.customer_id
LEFT JOIN holds ON holds.alert_id = warnings.alert_id
