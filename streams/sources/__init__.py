"""Where events come from other than live topics: ledgers, simulations, files; and their way into Kafka."""
