"""How a customer pays and orders, as sums that fade with time (in days, not in counts)."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from math import log, log1p, sqrt

from models.account import Behaviour, CashStats
from models.payment_index import MIN_PAYMENTS, payment_index
from schemas.policy import Behaviour as BehaviourPolicy

_LN2 = log(2.0)
_MIN_ORDERS = 5
_MIN_ORDER_DAYS = 30


@lru_cache(maxsize=16_384)
def _faded(days: float, half_life: float) -> float:
    return float(2.0 ** (-days / half_life))


@lru_cache(maxsize=16_384)
def _days_weighed(age: int, half_life: float) -> float:
    """How many days a fading average over the last ``age`` days amounts to."""
    return half_life / _LN2 * (1.0 - _faded(age, half_life))


def _bring_to(behaviour: Behaviour, day: int, policy: BehaviourPolicy) -> None:
    """Fade all sums to ``day``; a day in the past changes nothing (late facts are faded themselves)."""
    days = day - behaviour.day
    if days <= 0:
        return
    if behaviour.day:
        slow = _faded(days, policy.half_life_days)
        behaviour.weight *= slow
        behaviour.late_sum *= slow
        behaviour.late_square_sum *= slow
        for cash in behaviour.cash.values():
            cash.paid *= slow
            cash.late_amount_days *= slow
            cash.index_amount *= slow
            cash.orders_fast *= _faded(days, policy.order_fast_half_life_days)
            cash.orders_slow *= _faded(days, policy.order_slow_half_life_days)
    behaviour.day = day


def _cash(behaviour: Behaviour, currency: str) -> CashStats:
    return behaviour.cash.setdefault(currency, CashStats())


def record_payment(
    behaviour: Behaviour, currency: str, amount: Decimal, paid_day: int, due_day: int, policy: BehaviourPolicy
) -> None:
    """Count a payment (or the part of it that was applied to an invoice)."""
    _bring_to(behaviour, paid_day, policy)
    weight = _faded(behaviour.day - paid_day, policy.half_life_days)
    days_late = paid_day - due_day
    behaviour.payments += 1
    behaviour.weight += weight
    behaviour.late_sum += weight * days_late
    behaviour.late_square_sum += weight * days_late * days_late
    behaviour.last_payment = max(behaviour.last_payment, paid_day)
    cash = _cash(behaviour, currency)
    money = weight * float(amount)
    cash.paid += money
    cash.late_amount_days += money * max(0, days_late)
    cash.index_amount += money * payment_index(days_late)


def record_order(behaviour: Behaviour, currency: str, amount: Decimal, day: int, policy: BehaviourPolicy) -> None:
    """Count an order (or an invoice that came without one) for the order velocity."""
    _bring_to(behaviour, day, policy)
    behaviour.orders += 1
    behaviour.first_order = min(behaviour.first_order or day, day)
    cash = _cash(behaviour, currency)
    age = behaviour.day - day
    cash.orders_fast += float(amount) * _faded(age, policy.order_fast_half_life_days)
    cash.orders_slow += float(amount) * _faded(age, policy.order_slow_half_life_days)


def record_invoice(behaviour: Behaviour, amount: float, terms_days: int) -> None:
    """Count an invoice towards what is usual for the customer: its amount (in log, so that one giant does not
    set the norm) and its terms."""
    behaviour.invoices += 1
    behaviour.amount_log_sum += log1p(amount)
    behaviour.last_amount, behaviour.last_terms = amount, terms_days


def record_outcome(behaviour: Behaviour, late: bool, day: int, half_life: float) -> None:
    """Count the outcome of an invoice, known on ``day``; earlier outcomes fade by ``half_life`` days."""
    fade = _faded(day - behaviour.last_outcome, half_life) if behaviour.last_outcome else 1.0
    behaviour.last_outcome = day
    behaviour.outcomes += 1
    behaviour.late_outcomes += late
    behaviour.weighted_outcomes = behaviour.weighted_outcomes * fade + 1.0
    behaviour.weighted_late = behaviour.weighted_late * fade + late


def record_roll(behaviour: Behaviour, rolled: bool, day: int, half_life: float) -> None:
    """Count how an overdue invoice ended, known on ``day``; the recent ones fade by ``half_life`` days."""
    fade = _faded(day - behaviour.last_overdue_outcome, half_life) if behaviour.last_overdue_outcome else 1.0
    behaviour.last_overdue_outcome = day
    behaviour.overdue_outcomes += 1
    behaviour.rolled_outcomes += rolled
    behaviour.recent_overdue = behaviour.recent_overdue * fade + 1.0
    behaviour.recent_rolled = behaviour.recent_rolled * fade + rolled


def days_beyond_terms(behaviour: Behaviour) -> float | None:
    """DBT, amount-weighted: sum(amount x max(0, paid - due)) / sum(amount), in days.

    Amounts are weighted within one currency; of several currencies the worst counts. None before the
    first payment.
    """
    rates = [cash.late_amount_days / cash.paid for cash in behaviour.cash.values() if cash.paid > 0]
    return max(rates) if rates else None


def mean_payment_index(behaviour: Behaviour) -> float | None:
    """Amount-weighted payment index of the worst currency, 0-100; None with fewer than 3 payments."""
    if behaviour.payments < MIN_PAYMENTS:
        return None
    values = [cash.index_amount / cash.paid for cash in behaviour.cash.values() if cash.paid > 0]
    return min(values) if values else None


def usual_days_late(behaviour: Behaviour) -> tuple[float, float] | None:
    """The customer's own normal: mean and standard deviation of days late (early is negative)."""
    if behaviour.weight <= 0.0:
        return None
    mean = behaviour.late_sum / behaviour.weight
    variance = max(0.0, behaviour.late_square_sum / behaviour.weight - mean * mean)
    return mean, sqrt(variance)


def usual_orders(behaviour: Behaviour, today: int, policy: BehaviourPolicy) -> dict[str, float]:
    """Usual orders per day and currency, in its unit: the slow average of ``order_velocity``, as old as it must be."""
    age = today - behaviour.first_order + 1
    if behaviour.orders < _MIN_ORDERS or age < _MIN_ORDER_DAYS:
        return {}
    slow = policy.order_slow_half_life_days
    fade = _faded(max(0, today - behaviour.day), slow) / _days_weighed(age, slow)
    return {currency: cash.orders_slow * fade for currency, cash in behaviour.cash.items() if cash.orders_slow > 0.0}


def order_velocity(behaviour: Behaviour, today: int, policy: BehaviourPolicy) -> float | None:
    """Recent orders per day over usual orders per day, of the currency that is furthest from 1.

    5 = five times the usual (bust-out?), 0.2 = a fifth of it (distress?). None until there were 5 orders
    over 30 days. Averages of young accounts are corrected for their short past.
    """
    age = today - behaviour.first_order + 1
    if behaviour.orders < _MIN_ORDERS or age < _MIN_ORDER_DAYS:
        return None
    fast, slow = policy.order_fast_half_life_days, policy.order_slow_half_life_days
    elapsed = max(0, today - behaviour.day)
    fast_days, slow_days = _days_weighed(age, fast), _days_weighed(age, slow)
    fast_fade, slow_fade = _faded(elapsed, fast), _faded(elapsed, slow)
    worst = 1.0
    for cash in behaviour.cash.values():
        usual = cash.orders_slow * slow_fade / slow_days
        if usual <= 0.0:
            continue
        ratio = max(cash.orders_fast * fast_fade / fast_days / usual, 0.01)
        if max(ratio, 1.0 / ratio) > max(worst, 1.0 / worst):
            worst = ratio
    return worst
