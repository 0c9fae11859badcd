-- One row per order: what of it is still to be invoiced, and every change of that. Base of the views on exposure. The
-- rules are those of the engine (models/ledger.py), applied in the order of the log:
--   * order.placed and order.changed say what the order is now, also after it was invoiced or cancelled as a whole: an
--     order number may be used again;
--   * order.invoiced and order.cancelled (without an amount: all of it) take off, in the order's own currency only.
-- open in the unit of currency. moves: day (became known: placed, changed; business time: the others), currency, open_change.
WITH
ops_of_order AS
(
    SELECT customer_id, order_id,
        arraySort(x -> x.offset, groupArray(CAST(
            (log_offset, type IN ('order.placed', 'order.changed'), toString(currency), amount,
             if(type IN ('order.placed', 'order.changed'), toDate(time), toDate(occurred_at))),
            'Tuple(offset UInt64, is_whole Bool, currency String, amount Nullable(Decimal(38, 4)), day Date)'
        ))) AS ops
    FROM events
    WHERE order_id != '' AND type IN ('order.placed', 'order.changed', 'order.invoiced', 'order.cancelled')
    GROUP BY customer_id, order_id
    HAVING countIf(type IN ('order.placed', 'order.changed')) > 0
),
folded AS
(
    SELECT customer_id, order_id, ops,
        arrayFold(
            (states, x) -> arrayPushBack(states, CAST(
                (if(x.is_whole, ifNull(x.amount, toDecimal128(0, 4)),
                    if(x.currency = '' OR x.currency = states[-1].2,
                       greatest(states[-1].1 - ifNull(x.amount, states[-1].1), toDecimal128(0, 4)), states[-1].1)),
                 if(x.is_whole, x.currency, states[-1].2)),
                'Tuple(open Decimal(38, 4), currency String)')),
            ops,
            [CAST((0, ''), 'Tuple(open Decimal(38, 4), currency String)')]
        ) AS states
    FROM ops_of_order
)
SELECT customer_id, order_id, states[-1].currency AS currency, states[-1].open AS open,
    arrayFilter(m -> m.open_change != 0, arrayFlatten(arrayMap(
        (now, before, x) -> CAST(
            if(now.currency = before.currency, [(x.day, now.currency, now.open - before.open)],
               [(x.day, before.currency, -before.open), (x.day, now.currency, now.open)]),
            'Array(Tuple(day Date, currency String, open_change Decimal(38, 4)))'),
        arrayPopFront(states), arrayPopBack(states), ops
    ))) AS moves
FROM folded
