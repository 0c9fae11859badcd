"""Speed and memory of creditpulse on embedded parts, as ratios within one run; beside the product, never part of it."""
