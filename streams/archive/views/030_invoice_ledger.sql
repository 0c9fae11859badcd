-- One row per invoice: what is open of it and every change, in the currency of the invoice. Base of the views on
-- receivables. The rules are those of the engine (models/ledger.py), applied in the order of the log:
--   * the first order.invoiced of an invoice counts; a payment before its invoice waits and is applied then;
--   * a payment takes off at most what is open (the rest is unapplied cash that names the invoice); a reversal takes that
--     first and puts back what is left of its amount;
--   * a credit note (dispute.resolved, accepted) takes off what is open as a payment does, and its rest is such cash;
--   * a payment or notice in another currency than the invoice is never applied to it;
--   * overdue.noticed takes over what the ledger says is open, unless the invoice is closed, or the notice would
--     raise it and is not newer than the last change. A notice for an unknown invoice opens it;
--   * a reversal for an unknown invoice opens it, net of the payments for it.
-- Three differences: an invoice opened again by a reversal keeps its own due date here; the engine, which forgets closed
-- invoices, takes the one that the reversal names. The engine does not take back cash that was refunded meanwhile
-- without naming the invoice, or of more overpaid invoices than it remembers. And where a reversal becomes known before
-- invoice and payment, it takes what was reversed for all that is open of the invoice; here both amounts count.
-- order_id = the order that was invoiced, '' = none named. opened_by = invoice, notice or reversal. moves = what changed the open amount: kind, day, open_change; day is
-- business time (issued, paid, reversed, as-of of the notice; never before the opening), so the balance of a past
-- day, as known today, is sum(open_change) up to that day.
WITH
ops_of_invoice AS
(
    SELECT customer_id, invoice_id,
        arraySort(x -> x.offset, groupArray(CAST(
            (log_offset, type, toString(currency), assumeNotNull(amount),
             multiIf(type = 'order.invoiced', assumeNotNull(issue_date), type = 'payment.received',
                     toDate(assumeNotNull(paid_at)), type IN ('payment.reversed', 'dispute.resolved'), toDate(occurred_at),
                     assumeNotNull(as_of)),
             multiIf(type = 'overdue.noticed', assumeNotNull(as_of) - assumeNotNull(days_past_due),
                     due_date IS NULL, toDate(occurred_at), assumeNotNull(due_date))),
            'Tuple(offset UInt64, type String, currency String, amount Decimal(38, 4), day Date, due Date)'
        ))) AS ops,
        argMinIf(order_id, log_offset, type = 'order.invoiced') AS order_id
    FROM events
    WHERE invoice_id != '' AND (type IN ('order.invoiced', 'payment.received', 'payment.reversed', 'overdue.noticed')
                                OR (type = 'dispute.resolved' AND amount IS NOT NULL))
    GROUP BY customer_id, invoice_id
),
opened AS
(
    SELECT customer_id, invoice_id, order_id, ops,
        arrayFirstIndex(x -> x.type = 'order.invoiced' OR (x.type = 'overdue.noticed' AND x.amount > 0), ops) AS k,
        if(k > 0, k, arrayFirstIndex(x -> x.type = 'payment.reversed', ops)) AS anchor,
        ops[anchor] AS opening,
        multiIf(k = 0, 'reversal', opening.type = 'order.invoiced', 'invoice', 'notice') AS opened_by,
        arrayFirstIndex(x -> x.type = 'order.invoiced' AND x.currency = opening.currency, ops) AS i,
        if(i > 0, ops[i], opening) AS terms,
        -- what follows the opening; with an invoice also the cash that came before it
        arraySort(
            x -> (opened_by = 'reversal' AND x.type = 'payment.received', x.offset),
            arrayFilter(
                (x, n) -> x.currency = opening.currency AND x.type != 'order.invoiced'
                    AND if(opened_by = 'reversal', x.type != 'dispute.resolved' OR n > anchor,
                           n > k OR (opened_by = 'invoice' AND x.type != 'overdue.noticed')),
                ops, arrayEnumerate(ops))
        ) AS rest
    FROM ops_of_invoice
    WHERE anchor > 0
),
folded AS
(
    SELECT *,
        if(opened_by = 'reversal', toDecimal128(0, 4), opening.amount) AS first_amount,
        if(opened_by = 'reversal', toDate(0), opening.day) AS first_day,
        arrayFold(
            (acc, x) -> (
                multiIf(
                    x.type IN ('payment.received', 'dispute.resolved'), greatest(acc.1 - x.amount, toDecimal128(0, 4)),
                    x.type = 'payment.reversed', acc.1 + greatest(x.amount - acc.4, toDecimal128(0, 4)),
                    acc.1 = 0 OR (x.day <= acc.2 AND x.amount > acc.1), acc.1,
                    x.amount),
                if(x.type = 'overdue.noticed' AND (acc.1 = 0 OR (x.day <= acc.2 AND x.amount > acc.1)),
                   acc.2, greatest(acc.2, x.day)),
                arrayPushBack(acc.3,
                    multiIf(
                        x.type IN ('payment.received', 'dispute.resolved'), greatest(acc.1 - x.amount, toDecimal128(0, 4)),
                        x.type = 'payment.reversed', acc.1 + greatest(x.amount - acc.4, toDecimal128(0, 4)),
                        acc.1 = 0 OR (x.day <= acc.2 AND x.amount > acc.1), acc.1,
                        x.amount)),
                multiIf(
                    x.type IN ('payment.received', 'dispute.resolved'), acc.4 + greatest(x.amount - acc.1, toDecimal128(0, 4)),
                    x.type = 'payment.reversed', greatest(acc.4 - x.amount, toDecimal128(0, 4)),
                    acc.4)),
            rest,
            (first_amount, first_day, [first_amount], toDecimal128(0, 4))
        ).3 AS balances
    FROM opened
)
SELECT customer_id, invoice_id, order_id, opening.currency AS currency, opened_by, terms.amount AS amount,
    if(i > 0, terms.day, NULL) AS issue_date, terms.due AS due_date,
    balances[-1] AS outstanding,
    arrayMap(
        (balance, before, kind, day) -> CAST((kind, greatest(day, terms.day), balance - before),
            'Tuple(kind String, day Date, open_change Decimal(38, 4))'),
        balances,
        arrayPushFront(arrayPopBack(balances), toDecimal128(0, 4)),
        arrayPushFront(arrayMap(x -> x.type, rest), opening.type),
        arrayPushFront(arrayMap(x -> x.day, rest), terms.day)
    ) AS moves
FROM folded
