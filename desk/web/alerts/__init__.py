"""The parts of the page of alerts, one module each; the page itself is desk/web/pages/alerts.py."""
