"""The pure heart: account state, behaviour, default risk, scorecard, level ladder, explanation. No I/O, no clock."""
