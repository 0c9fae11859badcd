"""Between Kafka and the agents: chunks in, acknowledged sends out, and the cures of Faust's ways to lose data."""
