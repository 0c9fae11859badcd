"""The audit trail: sealed into a chain in the archive, checked, and exported so that others can check it."""
