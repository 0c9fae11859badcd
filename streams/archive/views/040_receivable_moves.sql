-- One row per change of an invoice's open amount. open_change in the unit of currency: positive when invoiced,
-- reversed or raised by a notice, negative when paid or credited. Receivables at the end of a day, per currency, as known
-- today = sum(open_change) WHERE day <= that day.
SELECT customer_id, invoice_id, currency, issue_date, due_date, move.kind AS kind, move.day AS day,
       move.open_change AS open_change
FROM invoice_ledger
ARRAY JOIN moves AS move
WHERE move.open_change != 0
