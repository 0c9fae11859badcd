"""Payment terms of one customer: the level's and the agreed ones, one step shorter or longer by how it pays."""

from __future__ import annotations

from models.account import Account
from models.behaviour import usual_days_late
from models.measures import terms_days
from schemas.decisions import TermsBasis
from schemas.levels import LADDER, Level
from schemas.policy import Policy


class OwnTerms:
    """A policy's terms, made ready to be granted to accounts."""

    def __init__(self, policy: Policy) -> None:
        self._policy, self._rules = policy, policy.limits.terms

    def review(self, account: Account, day: int, *, may_shorten: bool) -> None:
        """Set the account's step: -1 pays consistently late, 1 consistently early, 0 neither.

        Consistently: even one standard deviation nearer to the due date the customer's usual days late (or early)
        reach ``enter``. It leaves the step when the mean itself falls below ``leave``, and no step is changed sooner
        than ``review_days`` after the last change. Late news never shortens (``may_shorten`` is False).
        """
        rules = self._rules
        if rules.late is None and rules.early is None:
            return
        wanted = self._wanted(account)
        if wanted == account.terms_step or (wanted < account.terms_step and not may_shorten):
            return
        if account.terms_changed and day < account.terms_changed + rules.review_days:
            return
        account.terms_step, account.terms_changed = wanted, day

    def _wanted(self, account: Account) -> int:
        rules, usual = self._rules, usual_days_late(account.behaviour)
        if usual is None or account.behaviour.payments < rules.min_payments:
            return account.terms_step
        mean, spread = usual
        for side, step in ((rules.late, -1), (rules.early, 1)):
            days = -step * mean
            if side is not None and (
                days - spread >= side.enter or (account.terms_step == step and days >= side.leave)
            ):
                return step
        return 0

    def days(self, account: Account, level: Level) -> int:
        """Terms in days. A step never leads past the terms of the neighbouring level, nor past what was agreed."""
        days, step = terms_days(account, level, self._policy), self._step(account)
        if not step or level not in LADDER[:-1]:
            return days
        measures, at, size = self._policy.measures, LADDER.index(level), self._rules.step_days
        if step < 0:
            return min(days, max(days - size, measures.of(LADDER[at + 1]).terms_days))
        agreed = account.master.terms_days
        most = measures.of(LADDER[max(0, at - 1)]).terms_days
        return max(days, min(days + size, most if agreed is None else min(most, agreed)))

    def basis(self, account: Account, level: Level) -> TermsBasis:
        """Where ``days`` come from."""
        plain, granted = terms_days(account, level, self._policy), self.days(account, level)
        if granted != plain:
            return "pays_late" if granted < plain else "pays_early"
        return "level" if plain == self._policy.measures.of(level).terms_days else "agreed"

    def _step(self, account: Account) -> int:
        allowed = self._rules.late if account.terms_step < 0 else self._rules.early
        return account.terms_step if allowed is not None else 0
