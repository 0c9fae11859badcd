-- One row per invoice that was issued: what became of it. paid_day = UTC day of the payment that closed it, NULL = open;
-- days_late = paid_day - due_date (negative = early), of an open one the days past due so far, as of the day of the
-- book; disputed = it was contested at some time: such an invoice tells nothing of the payer and is left out of the
-- grades and of payment behaviour. severe_day = first day more than 60 days past due, NULL = none so far. amount in the
-- unit of currency; order_id '' = none named.
SELECT invoice_ledger.customer_id AS customer_id, invoice_ledger.invoice_id AS invoice_id, invoice_ledger.order_id AS order_id,
       invoice_ledger.currency AS currency, amount, outstanding, assumeNotNull(issue_date) AS issue_date, due_date,
       if(outstanding = 0, arrayLast(m -> m.open_change != 0, moves).day, NULL) AS paid_day,
       toInt32(ifNull(paid_day, book_day.as_of) - due_date) AS days_late,
       toBool(disputes.invoice_id != '') AS disputed,
       if(due_date + 61 <= ifNull(paid_day, book_day.as_of), due_date + 61, NULL) AS severe_day,
       book_day.as_of AS as_of
FROM invoice_ledger
CROSS JOIN book_day
LEFT JOIN disputes ON disputes.customer_id = invoice_ledger.customer_id
    AND disputes.invoice_id = invoice_ledger.invoice_id
WHERE opened_by = 'invoice' AND issue_date IS NOT NULL
