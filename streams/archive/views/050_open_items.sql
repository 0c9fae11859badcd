-- One row per invoice with something still to pay, as of the day of the book (view book_day). outstanding and
-- amount in the unit of currency; never add them across currencies. days_past_due = as_of - due_date in days,
-- 0 when not yet due (domain.md, DPD). bucket: current, 1-30, 31-60, 61-90, 91+.
SELECT customer_id, invoice_id, currency, amount, outstanding, issue_date, due_date, book_day.as_of AS as_of,
       toInt32(greatest(book_day.as_of - due_date, 0)) AS days_past_due,
       multiIf(days_past_due = 0, 'current', days_past_due <= 30, '1-30', days_past_due <= 60, '31-60',
               days_past_due <= 90, '61-90', '91+') AS bucket,
       opened_by
FROM invoice_ledger
CROSS JOIN book_day
WHERE outstanding > 0
