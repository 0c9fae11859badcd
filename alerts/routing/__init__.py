"""The notification engine: who is told what and when, as pure rules; time is an argument."""
