"""Backtests: the engine run over the past, what it would have decided, and how good that was."""
