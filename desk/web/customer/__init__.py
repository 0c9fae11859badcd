"""The parts of the page of one customer, one module each; the page itself is desk/web/pages/customer.py."""
