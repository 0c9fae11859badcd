"""What persons let go is bound in amount and time, and by four eyes, however an order is changed and shipped."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.account import Account, decode, encode
from models.exposure import positions, shippable
from schemas.decisions import Decision
from schemas.order_acts import OrderChanged, OrderHoldForced, OrderHoldLifted, OrderRejected, OrderReleased
from tests.unit.models.book import orders
from tests.unit.models.build import CUSTOMER, DAY, cancelled, invoiced, on, paid, placed
from tests.unit.models.test_decisions import rated
from tests.unit.models.test_order_desk import LIMIT, act, changed, codes, told_exposure

QUIET = "order_checks: {hold_escalation_days: []}"
FOUR_EYES = "order_checks: {four_eyes_above: {EUR: 500}}"


def part(amount: int, order_id: str = "O1", day: int = 21, **more: Any) -> OrderReleased:
    """A person lets so much of an order go."""
    found: OrderReleased = act(OrderReleased, order_id, day, up_to_amount=Decimal(amount), currency="EUR", **more)
    return found


def shipped(number: int, amount: int, order_id: str = "O1", day: int = 21) -> Any:
    """So much of the order leaves and is invoiced."""
    return invoiced(f"S{number}", amount, due=day + 60, issued=day, order_id=order_id)


def test_what_was_shipped_comes_off_a_release() -> None:
    """Nobody frees the rest after it but a person."""
    book = rated(LIMIT)
    book.see(placed("O1", 2_000, day=21), part(400))
    assert orders(book.see(shipped(1, 100))) == []
    order = book.account.orders["O1"]
    assert order.release is not None
    assert (order.free, order.release.up_to) == (300, 300)
    assert orders(book.see(shipped(2, 300))) == []
    order = book.account.orders["O1"]
    assert (order.amount, order.held, order.free, order.release) == (1_600, True, 0, None)
    for number in range(3, 6):  # what leaves all the same is invoiced, and frees nothing
        assert orders(book.see(shipped(number, 400))) == []
        assert shippable(book.account.orders["O1"]) == 0
    (again,) = orders(book.see(changed("O1", 400)))
    assert (again.decision, again.by, again.released_up_to) == ("hold", None, None)


def test_a_change_leaves_what_is_left_of_a_release() -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 2_000, day=21), part(400), shipped(1, 100))
    (held,) = orders(book.see(changed("O1", 5_000)))
    assert (held.decision, held.released_up_to, book.account.orders["O1"].free) == ("hold", 300, 300)
    (smaller,) = orders(book.see(cancelled("O1", 4_750, day=21)))
    assert (smaller.decision, smaller.by, smaller.amount) == ("release", "ana", 250), "all of it was let go"
    (larger,) = orders(book.see(changed("O1", 1_500)))
    assert (larger.decision, book.account.orders["O1"].free) == ("hold", 300)


def test_a_whole_release_covers_what_it_was_given_for_once() -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 3_000, day=21), act(OrderReleased), shipped(1, 1_000))
    (same,) = orders(book.see(changed("O1", 2_000)))
    assert same.decision is Decision.APPROVE
    (more,) = orders(book.see(changed("O1", 3_000)))
    assert (more.decision, book.account.orders["O1"].free) == ("hold", 2_000)


def test_a_release_in_one_currency_is_none_in_another() -> None:
    book = rated("limits: {base: {EUR: 1000, USD: 1000}}\norder_checks: {four_eyes_above: {EUR: 500, USD: 500}}")
    book.see(placed("O1", 2_000, day=21), part(400), shipped(1, 300))
    (held,) = orders(book.see(act(OrderChanged, amount=Decimal(2_000), currency="USD")))
    assert (held.decision, held.by, book.account.orders["O1"].free) == ("hold", None, 0)
    in_dollars = act(OrderReleased, up_to_amount=Decimal(500), currency="USD")
    assert codes(orders(book.see(in_dollars))[0]) == [], "nothing of it was let go in dollars yet"


def test_an_order_that_was_given_up_takes_its_release_along() -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 2_000, day=21), part(400), cancelled("O1", day=21))
    (again,) = orders(book.see(placed("O1", 2_000, day=21)))
    assert (again.decision, again.released_up_to, book.account.orders["O1"].free) == ("hold", None, 0)


def test_four_eyes_count_all_that_one_person_let_go_of_an_order() -> None:
    book = rated(LIMIT + FOUR_EYES)
    book.see(placed("O1", 2_000, day=21), part(400), shipped(1, 400))
    for alone in (part(101), part(101, second_person="ana")):
        (refused,) = orders(book.see(alone))
        assert (refused.decision, codes(refused)) == ("hold", ["FOUR_EYES_NEEDED"])
    (free,) = orders(book.see(part(100)))
    assert (codes(free), book.account.orders["O1"].free) == ([], 100)
    (both,) = orders(book.see(part(600, second_person="bo")))
    assert (both.second_person, book.account.orders["O1"].free) == ("bo", 600)
    book.see(shipped(2, 600))
    (little,) = orders(book.see(part(100)))
    assert codes(little) == [], "what two people let go is on nobody's account"


def test_four_eyes_are_asked_for_what_is_granted_though_the_order_is_still_small() -> None:
    """Else it grows afterwards: a change within a release is not checked again."""
    book = rated("limits: {base: {EUR: 100}}\n" + FOUR_EYES)
    book.see(placed("O1", 400, day=21))
    (refused,) = orders(book.see(part(5_000)))
    assert codes(refused) == ["FOUR_EYES_NEEDED"]


def test_a_release_of_a_part_ends_after_its_day() -> None:
    """On the day after, by time alone: what was not shipped by then is no longer free, and that is told, once."""
    book = rated(LIMIT + QUIET)
    book.see(placed("O1", 2_000, day=21), part(400, valid_until=on(24)), shipped(1, 100))
    assert orders(book.days(22, 24)) == []
    assert shippable(book.account.orders["O1"]) == 300
    (over,) = orders(book.days(25, 25))
    assert (over.decision, codes(over), over.amount) == ("hold", ["OVER_LIMIT"], 1_900)
    assert (over.by, over.reason, over.released_up_to, over.valid_until) == (None, None, None, None)
    assert told_exposure(over) == (0, 100)
    assert over.version == book.account.orders["O1"].version
    assert shippable(book.account.orders["O1"]) == 0
    assert positions(book.account, DAY + 25, book.engine.policy)["EUR"].exposure == 100
    assert orders(book.days(26, 60)) == []


def test_what_a_release_that_has_ended_kept_free_frees_the_next_order_at_once() -> None:
    book = rated(LIMIT + QUIET)
    book.see(placed("O0", 700, day=21), placed("O1", 2_000, day=21))
    book.see(part(400, valid_until=on(22)), changed("O0", 900), changed("O0", 1_001), changed("O0", 700))
    assert book.account.orders["O0"].held, "with the 400 it does not fit"
    (free, over) = orders(book.days(23, 23))
    assert (free.order_id, free.decision, told_exposure(free)) == ("O0", "release", (0, 0))
    assert (over.order_id, over.decision, told_exposure(over)) == ("O1", "hold", (700, 700))


def test_what_fits_by_the_policy_goes_on_when_a_release_ends() -> None:
    book = rated(LIMIT + "order_checks: {partial: true, max_deposit: 0, hold_escalation_days: []}")
    book.see(placed("O1", 2_000, day=21), part(1_500, valid_until=on(22)))
    assert book.account.orders["O1"].free == 1_500
    (over,) = orders(book.days(23, 23))
    assert over.measure is not None
    assert (over.decision, over.by, over.measure.release_amount) == ("hold", None, 1_000)
    assert book.account.orders["O1"].free == 1_000


def test_a_change_after_the_last_day_is_decided_without_the_release() -> None:
    """Also before the day's first tick."""
    book = rated(LIMIT + QUIET)
    book.see(placed("O1", 2_000, day=21), part(400, valid_until=on(22)))
    (held,) = orders(book.see(changed("O1", 1_900, day=23)))
    assert (held.decision, held.by, held.released_up_to, book.account.orders["O1"].free) == ("hold", None, None, 0)
    assert orders(book.days(23, 30)) == []


def test_an_order_that_goes_as_a_whole_does_not_go_by_a_persons_part() -> None:
    """It is freed by the checks, in nobody's name, and the last day of what was granted before means nothing to it."""
    book = rated(LIMIT + QUIET)
    book.see(invoiced("I1", 900, due=60, issued=20), placed("O1", 500, day=21), part(200, valid_until=on(25)))
    (free,) = orders(book.see(paid("I1", 900, day=22)))
    assert (free.decision, free.by, free.released_up_to, told_exposure(free)) == ("release", None, None, (0, 0))
    book.see(invoiced("I2", 900, due=60, issued=23))
    assert orders(book.days(24, 40)) == []
    assert not book.account.orders["O1"].held


def test_a_hold_by_a_person_takes_a_release_back() -> None:
    book = rated(LIMIT)
    book.see(placed("O1", 2_000, day=21), part(400), shipped(1, 100), act(OrderHoldForced))
    assert (book.account.orders["O1"].free, book.account.orders["O1"].release) == (0, None)
    (lifted,) = orders(book.see(act(OrderHoldLifted)))
    assert (lifted.decision, book.account.orders["O1"].free) == ("hold", 0)


AMOUNTS = st.integers(1, 900)
STEP = st.one_of(
    st.tuples(st.just("release"), AMOUNTS, st.integers(0, 3), st.sampled_from([None, "ana", "bo"])),
    st.tuples(st.just("ship"), AMOUNTS),
    st.tuples(st.just("change"), st.integers(100, 1_500)),
    st.tuples(st.just("cancel"), AMOUNTS),
    st.tuples(st.sampled_from(["day", "force", "lift", "restart"])),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=14))
def test_persons_let_go_no_more_than_they_released(steps: list[tuple[Any, ...]]) -> None:
    """Of an order that never fits by itself, just what is left of the newest release may go: until its day, less what
    was invoiced since. So all that goes is at most the sum of the releases, and without a second person at most
    ``four_eyes_above``."""
    book = rated("limits: {base: {EUR: 10}}\norder_checks: {four_eyes_above: {EUR: 500}, hold_escalation_days: []}")
    day, rest, until, by_one = 21, Decimal(0), 0, False
    released, gone, gone_by_one = Decimal(0), Decimal(0), Decimal(0)
    book.see(placed("O1", 1_000, day=day))
    for number, (kind, *said) in enumerate(steps):
        order = book.account.orders["O1"]
        if kind == "release":
            amount, days, second = said
            event = part(amount, day=day, valid_until=on(day + days), second_person=second)
            (answer,) = orders(book.see(event))
            if not codes(answer):
                rest, until, by_one = Decimal(amount), day + days, second != "bo"
                released += rest
        elif kind == "ship":
            left = min(shippable(order), Decimal(said[0]))
            gone, gone_by_one = gone + left, gone_by_one + (left if by_one else 0)
            rest -= min(rest, Decimal(said[0]))
            book.see(shipped(number, said[0], day=day))
        elif kind == "change":
            book.see(changed("O1", said[0], day=day))
        elif kind == "cancel":
            book.see(cancelled("O1", said[0], day=day))
        elif kind == "day":
            day += 1
            book.days(day, day)
        elif kind == "restart":
            book.accounts.by_id[CUSTOMER] = decode(encode(book.account))
        else:
            book.see(act(OrderHoldForced if kind == "force" else OrderHoldLifted, day=day))
            rest = Decimal(0) if kind == "force" else rest
        rest = rest if day <= until else Decimal(0)
        if "O1" not in book.account.orders:
            return
        free = shippable(book.account.orders["O1"])
        assert free == min(rest, book.account.orders["O1"].amount)
        assert gone + free <= released
        assert gone_by_one + (free if by_one else 0) <= 500


MOST = "limits: {base: {EUR: 5000}}\norder_checks: {max_order: {EUR: 1000}, hold_escalation_days: []}\n"


@pytest.mark.parametrize("end", [cancelled("O1", day=21), act(OrderRejected), act(OrderHoldForced)])
def test_an_order_that_does_not_go_after_all_is_not_summed_with_others(end: Any) -> None:
    book = rated(MOST)
    book.see(placed("O1", 800, day=21), placed("O2", 500, day=21))
    assert book.account.orders["O2"].held
    (free,) = [order for order in orders(book.see(end)) if order.order_id == "O2"]
    assert free.decision is Decision.RELEASE


@pytest.mark.parametrize("back", [act(OrderHoldLifted), act(OrderReleased)])
def test_an_order_that_goes_again_is_summed_once_with_what_was_shipped_of_it(back: Any) -> None:
    book = rated(MOST)
    book.see(placed("O1", 800, day=21), shipped(1, 100), shipped(2, 200), act(OrderHoldForced))
    assert _summed(book.account) == 300
    book.see(back)
    assert _summed(book.account) == 800
    (held,) = orders(book.see(placed("O2", 201, day=21)))
    assert (codes(held), held.checks[0].detail["others"]) == (["MAX_ORDER"], "800")


def test_a_release_that_has_ended_is_not_summed_with_others() -> None:
    book = rated(MOST)
    book.see(placed("O1", 1_500, day=21), act(OrderReleased, valid_until=on(22)), placed("O2", 1_200, day=21))
    book.see(part(600, "O2", valid_until=on(22)))
    assert _summed(book.account) == 2_100
    book.days(23, 23)
    assert _summed(book.account) == 0


def test_what_a_release_that_has_ended_was_summed_as_frees_the_next_order_at_once() -> None:
    book = rated(MOST)
    book.see(placed("O1", 1_200, day=21), part(600, valid_until=on(22)), placed("O0", 500, day=21))
    assert book.account.orders["O0"].held
    (free, over) = orders(book.days(23, 23))
    assert (free.order_id, free.decision) == ("O0", "release")
    assert (over.order_id, over.decision, over.checks[0].detail["others"]) == ("O1", "hold", "500")


def test_an_order_does_not_pass_the_maximum_in_slices() -> None:
    """What the policy lets go of it counts as another order once it has left."""
    book = rated(MOST.replace("{max_order", "{partial: true, max_order"))
    book.see(placed("O1", 1_800, day=21))
    assert book.account.orders["O1"].free == 1_000
    assert orders(book.see(shipped(1, 1_000))) == []
    assert shippable(book.account.orders["O1"]) == 0


def _summed(account: Account) -> Decimal:
    memory = account.order_memory
    amounts = [] if memory is None else [passed.amount for passed in memory.passed.values()]
    assert all(amount > 0 for amount in amounts)
    return sum(amounts, Decimal(0))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["place", "change", "cancel", "drop", "ship", "part", "whole", "force", "lift", "reject"]),
            st.integers(0, 2),
            st.integers(1, 900),
        ),
        max_size=20,
    ),
    st.booleans(),
)
def test_the_sum_of_orders_is_what_may_go_and_what_has_left(steps: list[tuple[str, int, int]], partial: bool) -> None:
    """Each amount once, whatever became of its order; and no check lets one pass that breaks the maximum."""
    book = rated(MOST.replace("{max_order", f"{{partial: {str(partial).lower()}, max_order"))
    left, by_person = Decimal(0), False
    for number, (kind, which, amount) in enumerate(steps):
        order_id = f"O{which}"
        before = book.account.orders.get(order_id)
        event: Any = {
            "place": placed(order_id, amount, day=21),
            "change": changed(order_id, amount),
            "cancel": cancelled(order_id, amount, day=21),
            "drop": cancelled(order_id, day=21),
            "ship": shipped(number, amount, order_id),
            "part": part(amount, order_id),
            "whole": act(OrderReleased, order_id),
            "force": act(OrderHoldForced, order_id),
            "lift": act(OrderHoldLifted, order_id),
            "reject": act(OrderRejected, order_id),
        }[kind]
        by_person = by_person or kind in ("part", "whole")
        if kind == "ship" and before is not None:
            left += min(shippable(before), Decimal(amount))
        book.see(event)
        book.accounts.by_id[CUSTOMER] = decode(encode(book.account))
        free = sum((shippable(order) for order in book.account.orders.values()), Decimal(0))
        assert _summed(book.account) == free + left
        assert by_person or free + left <= 1_000
