-- One row per thing that happened to a customer: kind = event, level, alert or order (decision), with the event
-- time when it became known, when the gate read it (recorded_time), a one-line summary, and the whole JSON.
-- To see it in order: ORDER BY time, recorded_time, rank, position (what was decided stands behind its cause).
SELECT customer_id, time, received_at AS recorded_time, 'event' AS kind, toString(type) AS type, 'info' AS severity,
       concat(
           multiIf(
               type = 'order.placed', concat('Order ', order_id, ' placed: '),
               type = 'order.invoiced', concat('Invoice ', invoice_id, ' issued, due ', toString(due_date), ': '),
               type = 'order.cancelled', concat('Order ', order_id, if(amount IS NULL, ' cancelled', ' cut by ')),
               type = 'payment.received',
                   concat('Payment ', payment_id, if(invoice_id = '', ' not yet applied: ', concat(' for ', invoice_id, ': '))),
               type = 'payment.reversed',
                   concat('Payment ', payment_id, ' taken back', if(invoice_id = '', ': ', concat(' for ', invoice_id, ': '))),
               type = 'overdue.noticed',
                   concat('Invoice ', invoice_id, ' noticed ', toString(days_past_due), ' days past due: '),
               type = 'invoice.disputed',
                   concat('Invoice ', invoice_id, ' disputed (', JSONExtractString(event, 'reason'), ')',
                          if(amount IS NULL, '', ': ')),
               type = 'dispute.resolved',
                   concat('Dispute of ', invoice_id, ' ', JSONExtractString(event, 'outcome'),
                          if(amount IS NULL, '', ', credit note: ')),
               type = 'delivery.received',
                   concat('Delivery for ', JSONExtractString(event, 'purchase_order_id'), ', promised ',
                          JSONExtractString(event, 'promised_date'), ', came ', JSONExtractString(event, 'delivered_date')),
               type = 'price.quoted',
                   concat('Price of ', JSONExtractString(event, 'item'), ': ', JSONExtractString(event, 'unit_price'), ' ',
                          currency, ' (reference ', JSONExtractString(event, 'reference_price'), ')'),
               type = 'assessment.financial_statement', 'Financial statement filed',
               type = 'assessment.agency_report', 'Agency report received',
               type = 'assessment.qualitative_review', 'Reviewed by a person',
               type = 'assessment.master_data', 'Master data changed',
               type = 'assessment.cover', 'Cover changed: ',
               type = 'assessment.override', 'Level set by a person',
               toString(type)),
           if(amount IS NULL, '', concat(toDecimalString(amount, 2), ' ', currency))
       ) AS summary,
       event_id AS id, toUInt8(0) AS rank, log_offset AS position, event
FROM events
UNION ALL
SELECT customer_id, valid_from, recorded_time, 'level', 'credit-level', severity,
       concat(if(level = level_before, concat(level, ', measures changed'), concat(level_before, ' -> ', level)),
              ', score ', toString(score), if(empty(reason_codes), '', concat(': ', arrayStringConcat(reason_codes, ', ')))),
       id, 1, sequence, event
FROM level_history
UNION ALL
SELECT customer_id, time, recorded_time, 'alert', concat('credit-alert.', kind), severity,
       concat(upper(substring(kind, 1, 1)), substring(kind, 2), ' (', cause_kind, '): ', level_before, ' -> ', level,
              if(retracted_by = '', '', ', later retracted')),
       id, 2, sequence, event
FROM alerts
UNION ALL
SELECT customer_id, time, recorded_time, 'order', concat('order-decision.', decision), severity,
       concat('Order ', order_id, ': ', decision, ', ', toDecimalString(amount, 2), ' ', currency,
              if(empty(check_codes), '', concat(' (', arrayStringConcat(check_codes, ', '), ')'))),
       id, 3, sequence, event
FROM order_decisions
