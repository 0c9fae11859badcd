"""What people look at: the live terminal view, a customer's sheet, the demo."""
