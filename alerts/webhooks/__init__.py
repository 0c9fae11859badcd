"""Webhooks: subscriptions, and the dispatcher that delivers events to them, signed and in order, until they arrive."""
