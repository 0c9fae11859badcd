"""Contracts: events in, decisions out, the policy file, and the envelope of all out-events."""
