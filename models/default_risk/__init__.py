"""The risk that an invoice is paid more than K days late: features, the customer's rate, the learner, its quality."""
