"""The gate: from the public topics, merged by time and validated, to the one ordered log."""
