"""What people and other systems are told: texts of alerts, and the feed of out-events."""
