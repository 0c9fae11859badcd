-- One row per currency: days sales outstanding as of the day of the book, over the last 90 days (domain.md):
--   dso               = closing receivables / credit sales in the period x 90
--   best_possible_dso = current (not yet due) receivables / credit sales in the period x 90
--   add_days          = dso - best_possible_dso (average days delinquent)
-- receivables, current_receivables, credit_sales in the unit of currency; credit sales = invoices with an issue
-- date within the 90 days up to as_of. What is dated later counts in none of them: an invoice that is not issued yet is
-- neither sold nor owed. The three figures are NULL when nothing was sold in the period. As the last row of
-- receivables_over_time, which a test holds to it: this view reads the ledger once, and is the faster one.
WITH
balances AS
(
    SELECT currency, book_day.as_of AS as_of, issue_date, due_date, amount,
           arraySum(m -> if(m.day <= book_day.as_of, m.open_change, toDecimal128(0, 4)), moves) AS open
    FROM invoice_ledger
    CROSS JOIN book_day
),
sums AS
(
    SELECT currency, any(balances.as_of) AS as_of, sum(open) AS receivables,
           sumIf(open, due_date >= balances.as_of) AS current_receivables,
           sumIf(amount, issue_date > balances.as_of - 90 AND issue_date <= balances.as_of) AS credit_sales
    FROM balances
    GROUP BY currency
)
SELECT currency, as_of, 90 AS period_days, receivables, current_receivables, credit_sales,
       if(credit_sales = 0, NULL, toFloat64(receivables) / toFloat64(credit_sales) * period_days) AS dso,
       if(credit_sales = 0, NULL, toFloat64(current_receivables) / toFloat64(credit_sales) * period_days)
           AS best_possible_dso,
       dso - best_possible_dso AS add_days
FROM sums
