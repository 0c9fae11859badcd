"""Laws of models.default_risk.risk, and of the predictions that the engine freezes and learns from."""

from __future__ import annotations

from array import array
from math import exp, log
from statistics import NormalDist

import msgspec
import pytest

from models.account import Behaviour, Prediction
from models.default_risk.features import NAMES
from models.default_risk.risk import DefaultRisk, RiskState, is_bad
from models.engine import CreditEngine, MemoryAccounts
from tests.unit.models.build import CUSTOMER, DAY, account, entry, invoiced, paid, policy, taken_back, tick

RULES = policy(
    "default_risk: {late_days: 5, prior_weight: 5, base_rate: 0.1, base_weight: 10, new_customer_factor: 2,"
    " model_weight: 0.6, warm_up: 4}"
).default_risk
PACKED = array("f", [1.0] * len(NAMES)).tobytes()


def _prediction(settled: int | None, model: float = 0.2, naive: float = 0.1, first: float = 1.0) -> Prediction:
    """Of an invoice due on ``DAY``, paid ``settled`` days later."""
    packed = array("f", [first, *[1.0] * (len(NAMES) - 1)]).tobytes()
    return Prediction(DAY + 6, DAY - 30, DAY, model, naive, packed, None if settled is None else DAY + settled)


def _known(outcomes: int, late: int) -> Behaviour:
    return Behaviour(
        outcomes=outcomes, late_outcomes=late, weighted_outcomes=float(outcomes), weighted_late=float(late)
    )


@pytest.mark.parametrize(("settled", "bad"), [(-10, False), (5, False), (6, True), (40, True), (None, True)])
def test_bad_is_more_than_the_late_days(settled: int | None, bad: bool) -> None:
    """Five days late is not bad, six are; open when the outcome is due is bad too."""
    assert is_bad(_prediction(settled)) is bad


def test_book_rate_starts_at_the_guess() -> None:
    """Before any outcome the book's rate is the policy's: 1 of 10."""
    assert DefaultRisk(RULES).book_rate == pytest.approx(0.1)


def test_book_rate_counts_outcomes() -> None:
    """One of two late beside 1 of 10 guessed: 2 / 12."""
    risk = DefaultRisk(RULES)
    risk.learn(account(), "I1", _prediction(0))
    risk.learn(account(), "I2", _prediction(None))
    assert (risk.outcomes, risk.late) == (2, 1)
    assert risk.book_rate == pytest.approx(1 / 6)


def test_customer_rate_is_smoothed_to_the_book() -> None:
    """1 late of 5 beside 5 average invoices at 10 %: 1.5 / 10."""
    assert DefaultRisk(RULES).customer_rate(_known(5, 1)) == pytest.approx(0.15)
    assert DefaultRisk(RULES).customer_rate(Behaviour()) == pytest.approx(0.1)


def test_customer_rate_fades_and_naive_rate_does_not() -> None:
    """The rate takes faded outcomes, (0.5 + 0.5) / 6; the naive bar plain counts, (1 + 0.5) / 7."""
    known = Behaviour(outcomes=2, late_outcomes=1, weighted_outcomes=1.0, weighted_late=0.5)
    assert DefaultRisk(RULES).customer_rate(known) == pytest.approx(1 / 6)
    assert DefaultRisk(RULES).naive_rate(known) == pytest.approx(1.5 / 7)


def test_new_customers_start_above_the_book() -> None:
    """Without an outcome the prediction is the known book's rate times the factor, never above 0.9."""
    rules = policy("default_risk: {model_weight: 0, trust_outcomes: 1000, new_customer_factor: 2}").default_risk
    known = RiskState(outcomes=1000, late=100)
    assert DefaultRisk(rules, known).predict(PACKED, Behaviour()) == pytest.approx(0.2)
    gloomy = RiskState(outcomes=100_000, late=60_000)
    assert DefaultRisk(rules, gloomy).predict(PACKED, Behaviour()) == 0.9


def test_in_a_young_book_all_customers_are_new_to_us() -> None:
    """Nobody there is worse than the rest for having no outcome yet."""
    assert DefaultRisk(RULES).predict(PACKED, Behaviour()) == pytest.approx(0.1)


def test_a_learner_that_does_harm_falls_silent_and_speaks_again_when_it_helps() -> None:
    """It is judged by what it would have said, also while the rate speaks alone; what it says is still recorded."""
    risk = DefaultRisk(policy("default_risk: {warm_up: 0, trust_outcomes: 50}").default_risk)
    assert not risk.is_silent
    wrong, right = _prediction(0, model=0.1, naive=0.1), _prediction(None, model=0.1, naive=0.1)
    wrong.shadow = right.shadow = 0.9
    risk.learn(account(), "I1", wrong)
    assert not risk.is_silent, "one miss is no proof: ln(.9/.1) = 2.2 is below the 3 that silence it"
    for _ in range(9):
        risk.learn(account(), "I1", wrong)
    assert risk.is_silent
    assert DefaultRisk(policy("default_risk: {warm_up: 0}").default_risk, risk.state()).is_silent
    for _ in range(2):
        risk.learn(account(), "I2", right)
    assert risk.is_silent
    risk.learn(account(), "I2", right)
    assert not risk.is_silent, "of ten misses it has no more than 5 to make up for"


def test_learner_is_silent_until_warm() -> None:
    """With fewer outcomes in the book than the warm-up, the customer's rate alone is the prediction."""
    risk = DefaultRisk(RULES, RiskState(outcomes=3, late=0))
    known = _known(5, 1)
    assert risk.predict(PACKED, known) == risk.customer_rate(known)


def test_warm_learner_is_blended_in_log_odds() -> None:
    """From the warm-up on: 0.6 x logit(learner) + 0.4 x logit(rate); a learner of one half adds nothing."""
    # 4 outcomes, none late: the book is at 1/14; a customer without outcomes has that rate.
    risk = DefaultRisk(RULES, RiskState(outcomes=4, late=0))
    expected = 1 / (1 + exp(-0.4 * log((1 / 14) / (13 / 14))))
    assert risk.predict(PACKED, Behaviour()) == pytest.approx(expected)


def test_weight_zero_leaves_the_rate() -> None:
    """A policy may silence the learner for good."""
    silent = policy("default_risk: {model_weight: 0, warm_up: 0}").default_risk
    risk = DefaultRisk(silent, RiskState(outcomes=1000, late=100))
    assert risk.predict(PACKED, _known(5, 1)) == pytest.approx(0.15)


@pytest.mark.parametrize(("outcomes", "probability"), [(0, 0.1), (95, 0.5), (15, 0.02), (995, 0.9)])
def test_interval_is_wilson(outcomes: int, probability: float) -> None:
    """Both ends x solve (p - x)^2 = z^2 x (1 - x) / n, z holding 80 %, n = outcomes + prior weight."""
    low, high = DefaultRisk(RULES).interval(probability, _known(outcomes, 0))
    z, n = NormalDist().inv_cdf(0.9), outcomes + 5
    assert 0 <= low < probability < high <= 1
    for end in (low, high):
        assert (probability - end) ** 2 == pytest.approx(z * z * end * (1 - end) / n, rel=1e-9)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_interval_holds_certainty(probability: float) -> None:
    """The interval of 0 or 1 stays within 0 to 1, holds it, and is open to the other side."""
    low, high = DefaultRisk(RULES).interval(probability, _known(10, 0))
    assert 0.0 <= low <= probability <= high <= 1.0
    assert high - low > 0.05


def test_learning_scores_what_was_predicted() -> None:
    """The outcome names the prediction as it was made, and quality counts that one, not a new one."""
    risk = DefaultRisk(RULES)
    outcome = risk.learn(account(), "I1", _prediction(None, model=0.3, naive=0.25))
    assert msgspec.structs.astuple(outcome) == (
        CUSTOMER, "I1", DAY - 30, DAY + 6, 0.3, 0.25, True, "A", PACKED, False,
    )  # fmt: skip
    assert risk.quality.model_log_loss == pytest.approx(-log(0.3))
    assert risk.quality.naive_log_loss == pytest.approx(-log(0.25))
    assert risk.quality.model_brier == pytest.approx(0.49)


def test_learning_leaves_the_account() -> None:
    """To learn changes the partition's book only."""
    known = account()
    DefaultRisk(RULES).learn(known, "I1", _prediction(None))
    assert known == account()


def test_model_version_counts_what_was_learned() -> None:
    """Each outcome makes another version of the model."""
    risk = DefaultRisk(RULES)
    before = risk.model_version
    risk.learn(account(), "I1", _prediction(0))
    assert before.endswith("@0")
    assert risk.model_version == before[:-1] + "1"


def test_state_restores_bit_for_bit() -> None:
    """Stored and restored, the book predicts and learns with the same bits."""
    whole = DefaultRisk(RULES)
    for number in range(20):
        whole.learn(account(), f"I{number}", _prediction(number % 9, first=float(number % 5)))
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(whole.state()), type=RiskState)
    restored = DefaultRisk(RULES, stored)
    assert restored.predict(PACKED, _known(5, 1)) == whole.predict(PACKED, _known(5, 1))
    for number in range(20):
        for risk in (whole, restored):
            risk.learn(account(), f"J{number}", _prediction(number % 7, first=float(number % 3)))
    assert msgspec.msgpack.encode(restored.state()) == msgspec.msgpack.encode(whole.state())
    assert restored.model_version == whole.model_version


# In the engine


def _engine() -> tuple[CreditEngine, MemoryAccounts]:
    accounts = MemoryAccounts()
    return CreditEngine(accounts, "default_risk: {warm_up: 0, late_days: 5}"), accounts


def test_prediction_is_frozen_at_issue() -> None:
    """What comes after the issue (late payments, other outcomes) changes neither probability nor features."""
    engine, accounts = _engine()
    engine.apply(0, entry(invoiced("I0", 100, due=5, issued=0), 0))
    engine.apply(1, entry(invoiced("I1", 100, due=40, issued=2), 1))
    frozen = msgspec.json.encode(accounts.by_id[CUSTOMER].predictions["I1"])
    engine.apply(2, entry(tick(11), 0, "ticks"))
    engine.apply(3, entry(paid("I0", 100, day=35), 0, "payments"))
    assert msgspec.json.encode(accounts.by_id[CUSTOMER].predictions["I1"]) == frozen
    issued = accounts.by_id[CUSTOMER].predictions["I1"].model
    outcome = engine.apply(4, entry(tick(46), 1, "ticks")).outcomes[0]
    assert (outcome.invoice_id, outcome.model) == ("I1", issued)


def test_prediction_knows_nothing_of_its_own_invoice() -> None:
    """The first invoice of a customer is predicted from an account without it."""
    engine, accounts = _engine()
    engine.apply(0, entry(invoiced("I0", 100), 0))
    found = dict(zip(NAMES, array("f", accounts.by_id[CUSTOMER].predictions["I0"].features), strict=True))
    assert (found["open_count_log"], found["unusual_amount"], found["new_customer"]) == (0.0, 0.0, 1.0)


def test_outcome_is_learned_only_when_certain() -> None:
    """Paid on time or not, an invoice due on day 30 is learned on day 36, when it is certain; and once."""
    engine, accounts = _engine()
    engine.apply(0, entry(invoiced("I1", 100, due=30), 0))
    engine.apply(1, entry(paid("I1", 100, day=3), 0, "payments"))
    for offset, day in enumerate([4, 31, 35]):
        assert engine.apply(2 + offset, entry(tick(day), offset, "ticks")).outcomes == []
    assert engine.risk.outcomes == 0
    assert accounts.by_id[CUSTOMER].behaviour.outcomes == 0
    effects = engine.apply(5, entry(tick(36), 3, "ticks"))
    assert [(o.invoice_id, o.bad) for o in effects.outcomes] == [("I1", False)]
    assert (engine.risk.outcomes, accounts.by_id[CUSTOMER].behaviour.outcomes) == (1, 1)
    assert engine.apply(6, entry(tick(37), 4, "ticks")).outcomes == []
    assert engine.risk.outcomes == 1


@pytest.mark.parametrize(("day", "bad"), [(35, False), (36, True)])
def test_last_day_to_pay(day: int, bad: bool) -> None:
    """Paid five days late is a good outcome, six days late a bad one, though both are paid by then."""
    engine, _ = _engine()
    engine.apply(0, entry(invoiced("I1", 100, due=30), 0))
    engine.apply(1, entry(paid("I1", 100, day=day), 0, "payments"))
    assert [o.bad for o in engine.apply(2, entry(tick(37), 0, "ticks")).outcomes] == [bad]


def test_reversed_payment_is_a_bad_outcome() -> None:
    """A payment that bounced before the outcome was certain did not settle the invoice."""
    engine, _ = _engine()
    engine.apply(0, entry(invoiced("I1", 100, due=30), 0))
    engine.apply(1, entry(paid("I1", 100, day=28), 0, "payments"))
    engine.apply(2, entry(taken_back("I1", 100, day=32, due=30), 1, "payments"))
    assert [o.bad for o in engine.apply(3, entry(tick(36), 0, "ticks")).outcomes] == [True]


def test_invoice_known_after_its_outcome_is_not_predicted() -> None:
    """An invoice that arrives when its outcome is certain already makes no prediction: it would be hindsight."""
    engine, accounts = _engine()
    engine.apply(0, entry(invoiced("I1", 100, due=30), 0, day=35))
    engine.apply(1, entry(invoiced("I2", 100, due=30), 1, day=36))
    assert list(accounts.by_id[CUSTOMER].predictions) == ["I1"]


def test_second_event_of_an_id_changes_nothing() -> None:
    """An event with a known event_id is not applied, whatever it says and wherever it stands in its topic."""
    engine, accounts = _engine()
    engine.apply(0, entry(invoiced("I1", 100, event_id="same"), 0))
    before = msgspec.msgpack.encode(accounts.by_id[CUSTOMER])
    effects = engine.apply(1, entry(paid("I1", 100, event_id="same"), 0, "payments"))
    assert (effects.applied, effects.out) == (False, [])
    assert msgspec.msgpack.encode(accounts.by_id[CUSTOMER]) == before
