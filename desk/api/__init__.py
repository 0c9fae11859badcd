"""The REST API: credit checks, orders, alerts and subscribers for other systems, and what the desk stands on."""
