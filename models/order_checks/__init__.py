"""What an order has to pass: steps, the mildest measure that is enough, and what would let it pass."""
