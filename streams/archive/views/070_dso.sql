-- One row per currency: days sales outstanding as of the day of the book, over the last 90 days (domain.md):
--   dso               = closing receivables / credit sales in the period x 90
--   best_possible_dso = current (not yet due) receivables / credit sales in the period x 90
--   add_days          = dso - best_possible_dso (average days delinquent)
-- receivables, current_receivables, credit_sales in the unit of currency; credit sales = invoices with an issue
-- date within the 90 days up to as_of. The three figures are NULL when nothing was sold in the period.
WITH
sums AS
(
    SELECT currency,
           any(book_day.as_of) AS as_of,
           sum(outstanding) AS receivables,
           sumIf(outstanding, due_date >= book_day.as_of) AS current_receivables,
           sumIf(amount, issue_date > book_day.as_of - 90) AS credit_sales
    FROM invoice_ledger
    CROSS JOIN book_day
    GROUP BY currency
)
SELECT currency, as_of, 90 AS period_days, receivables, current_receivables, credit_sales,
       if(credit_sales = 0, NULL, toFloat64(receivables) / toFloat64(credit_sales) * period_days) AS dso,
       if(credit_sales = 0, NULL, toFloat64(current_receivables) / toFloat64(credit_sales) * period_days)
           AS best_possible_dso,
       dso - best_possible_dso AS add_days
FROM sums
