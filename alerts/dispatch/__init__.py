"""The dispatcher: drives the notification engine with the wall clock, and delivers what it says."""
