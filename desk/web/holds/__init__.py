"""The parts of the page of holds, one module each; the page itself is desk/web/pages/holds.py."""
