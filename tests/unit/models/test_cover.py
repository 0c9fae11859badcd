"""Laws of cover: it adds to a limit while it is in force, its end is announced, and comes by itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import Account
from models.cover import cover_days, covered
from models.limit_basis import limit_basis
from models.measures import LimitRules
from schemas.assessments import CoverChanged
from schemas.decisions import AlertKind
from schemas.envelope import Severity
from schemas.levels import Level
from schemas.policy import Policy
from tests.unit.models.book import Book, alerts, levels
from tests.unit.models.build import CUSTOMER, DAY, account, at, on, policy

COVER = "cover: {share: 0.9, most: null}"
RULES = policy(f"limits: {{base: {{EUR: 1000}}, round_to: 1, {COVER}}}")
KINDS = ("guarantee", "credit_insurance", "collateral")


def insured(*covers: tuple[str, int | str, str, int]) -> Account:
    """An account with covers: (kind, amount, currency, last day)."""
    known = account()
    for number, (kind, amount, currency, until) in enumerate(covers):
        known.external.covers[f"K{number}"] = (kind, Decimal(amount), currency, DAY + until)
    return known


def limit(known: Account, level: Level = Level.STANDARD, day: int = 0, rules: Policy = RULES) -> Decimal | None:
    """The limit in EUR."""
    return LimitRules(rules).granted(known, level, DAY + day).get("EUR")


def changed(amount: int, until: int, day: int, cover_id: str = "K1") -> CoverChanged:
    """A credit insurance in EUR."""
    return CoverChanged.model_validate(
        {
            "version": 1, "event_id": f"{cover_id}-{day}-{amount}", "occurred_at": at(day), "customer_id": CUSTOMER,
            "cover_id": cover_id, "kind": "credit_insurance", "amount": amount, "currency": "EUR",
            "expires_on": on(until),
        }
    )  # fmt: skip


def test_cover_adds_its_share_through_its_last_day() -> None:
    """0.9 of 500 on top of 1000, on the day of expiry still, and not on the next."""
    known = insured(("guarantee", 500, "EUR", 30))
    assert [limit(known, day=day) for day in (0, 30, 31)] == [1450, 1450, 1000]


@pytest.mark.parametrize(
    ("level", "granted"), [(Level.PRIME, 1950), (Level.STANDARD, 1450), (Level.HIGH_RISK, 435), (Level.BLOCKED, 0)]
)
def test_a_good_level_does_not_multiply_cover(level: Level, granted: int) -> None:
    """The insurer pays what it covers and no more; a bad level cuts cover like the rest."""
    assert limit(insured(("guarantee", 500, "EUR", 30)), level) == granted


def test_cover_is_capped_by_the_base_limit() -> None:
    """At most half as much again: 1000 + 500, whatever is insured."""
    capped = policy("limits: {base: {EUR: 1000}, round_to: 1, cover: {share: 0.9, most: 0.5}}")
    assert limit(insured(("guarantee", 9_000, "EUR", 30), ("guarantee", 1, "EUR", 5)), rules=capped) == 1500


def test_cover_counts_in_its_own_currency_and_kind_only() -> None:
    """Nothing crosses currencies; collateral does not count by default; no limit set stays no limit set."""
    known = insured(("guarantee", 500, "USD", 30), ("collateral", 700, "EUR", 30))
    assert LimitRules(RULES).granted(known, Level.STANDARD, DAY) == {"EUR": 1000}
    assert LimitRules(policy(f"limits: {{{COVER}}}")).granted(known, Level.STANDARD, DAY) == {}


def test_the_default_does_not_count_cover() -> None:
    """Off unless the firm switches it on, and then nothing wakes the account for it."""
    book = Book("limits: {base: {EUR: 1000}}")
    book.good_payer()
    book.see(changed(500, until=60, day=20))
    assert book.account.limits == {"EUR": 1000}
    assert cover_days(book.account.external, DAY + 20, policy().limits.cover) == []


def _book() -> Book:
    book = Book(f"limits: {{base: {{EUR: 1000}}, {COVER}}}\nladder: {{PRIME: {{enter: 1000, exit: 1000}}}}")
    book.good_payer()
    book.days(21, 60)
    book.see(changed(500, until=130, day=61))
    return book


def test_the_end_of_cover_is_announced_and_comes_by_itself() -> None:
    """A level event a month before tells the limit from then on; on the day after, the limit is cut by a tick."""
    book = _book()
    assert book.account.limits == {"EUR": 1400}
    told = book.days(62, 130)
    (announced,) = told
    assert (announced.time.date(), announced.severity) == (on(100), Severity.NOTICE)
    (level,) = levels(told)
    basis = level.limit_basis[0]
    assert (basis.cover, basis.cover_until, basis.limit_after) == (450, on(130), 1000)
    assert level.level is level.level_before
    ended = book.days(131, 131)
    assert book.account.limits == {"EUR": 1000}
    assert [(alert.kind, alert.cause_kind) for alert in alerts(ended)] == [(AlertKind.TIGHTENING, "COVER_ENDED")]


def test_renewed_cover_ends_nothing() -> None:
    """With a later expiry the limit stays on the day on which it would have fallen, and the new end is told."""
    book = _book()
    book.days(62, 110)
    book.see(changed(500, until=330, day=110))
    assert book.days(111, 299) == []
    assert [event.time.date() for event in book.days(300, 330)] == [on(300)]
    assert book.account.limits == {"EUR": 1400}


def test_withdrawn_cover_counts_at_once() -> None:
    """An amount of zero ends it, with the same cause."""
    book = _book()
    out = book.see(changed(0, until=130, day=70))
    assert book.account.limits == {"EUR": 1000}
    assert [alert.cause_kind for alert in alerts(out)] == ["COVER_ENDED"]


COVERS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(1, 10**6), st.sampled_from(["EUR", "USD"]), st.integers(-5, 40)),
    max_size=5,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(COVERS, st.sampled_from(list(Level)), st.integers(0, 40))
def test_the_explanation_computes_the_limit(covers: list[tuple[str, int, str, int]], level: Level, day: int) -> None:
    """base x factor + cover x min(factor, 1) is the limit; what is said of its end comes true; time only takes."""
    known, rules = insured(*covers), LimitRules(RULES)
    (told,) = limit_basis(known, level, DAY + day, rules)
    exact = told.base * told.factor + (told.cover or 0) * min(told.factor, Decimal(1))
    assert told.limit == limit(known, level, day) == exact // 1
    assert told.limit >= limit(known, level, day + 1)  # type: ignore[operator]
    if told.cover_until is not None:
        after = told.cover_until.toordinal() + 1 - DAY
        assert told.limit_after == limit(known, level, after)
        assert all(limit(known, level, between) == told.limit for between in range(day, after))
    assert set(covered(known.external, DAY + day, RULES.limits.cover)) <= {"EUR", "USD"}
    assert told.cover_until is None or told.cover_until >= date.fromordinal(DAY + day)
