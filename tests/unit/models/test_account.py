"""Laws of models.account."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from models.account import (
    SCHEMA,
    Account,
    AgencyReport,
    Behaviour,
    CashStats,
    Dispute,
    EarlyPayment,
    External,
    ForcedHold,
    GroupMark,
    Master,
    OpenItem,
    OpenOrder,
    OrderMemory,
    Override,
    Passed,
    Prediction,
    PriceStats,
    Release,
    Review,
    Statement,
    StoppedTightening,
    Supply,
    Tightened,
    Tightening,
    Trial,
    decode,
    encode,
)
from schemas.errors import UnsupportedVersion
from tests.unit.models.build import DAY, account


def _full() -> Account:
    """An account with something in every field."""
    return Account(
        SCHEMA,
        "客户-1",
        applied=17,
        sources={"orders": 4},
        seen={DAY: b"\x00\xff" * 8},
        closed={DAY: b"12345678"},
        clock=1_709_510_400_001,
        items={"I1": OpenItem(Decimal("0.10"), "EUR", DAY, Decimal("99999999999999.9999"), DAY, True, True)},
        orders={
            "O1": OpenOrder(
                Decimal("5.00"),
                "USD",
                DAY,
                DAY + 3,
                True,
                True,
                60,
                7,
                1_709_510_400_000,
                1,
                Decimal(2),
                Release("ana", "known for years", Decimal(2), DAY + 9, "bo"),
                Decimal(3),
            ),
            "O2": OpenOrder(Decimal(1), "USD", DAY),
        },
        early={"I2": [EarlyPayment(Decimal("1E+3"), "EUR", DAY)]},
        open_invoices={"EUR": Decimal("0.10")},
        unapplied={"EUR": Decimal("-3.5")},
        predictions={
            "I1": Prediction(DAY + 6, DAY - 30, DAY, 0.1 + 0.2, 1 / 3, b"\x00\x01\x02", DAY + 1, 0.4, {"q": 0.5}, True)
        },
        behaviour=Behaviour(day=DAY, payments=2, weight=1 / 3, cash={"EUR": CashStats(1e300, 5e-324, 0.1, 2.0, -0.0)}),
        master=Master(name="Größe & Söhne", sector="steel", base_limits={"EUR": Decimal(10)}, terms_days=0),
        external=External(
            covers={"K": ("guarantee", Decimal("7.25"), "EUR", DAY + 9)},
            statement=Statement(
                DAY, {"altman_z": -1.5, "current_ratio": 1 / 3}, DAY + 2, "EUR", Decimal("-4.5"), Decimal("9.00")
            ),
            agencies={"A": AgencyReport(DAY, Decimal("0.10"), Decimal(0), Decimal(1), "BBB-"), "B": AgencyReport(DAY)},
            reviews={"ana": Review(DAY, DAY + 365, 4.0, 3.0, 5.0)},
        ),
        override=Override("WATCH", "ana", DAY + 5),
        level="HIGH_RISK",
        level_since=DAY,
        better_since=DAY + 1,
        points={"ageing": 300, "agency": 5},
        decided_points={"ageing": 1},
        probability=0.123456789012345,
        limits={"EUR": Decimal(0)},
        terms_days=14,
        sequences={"t": 2},
        tightenings=[Tightening("id", 5, "PRIME")],
        next_wake=DAY + 2,
        rolls={"I1": Prediction(DAY + 16, DAY + 1, DAY, 0.7, 0.2, b"\x07")},
        capacity={"EUR": Decimal("4500.00")},
        capacity_day=DAY - 9,
        limit_raised=DAY - 3,
        trials={"A:quick": Trial(DAY, 3, -0.25)},
        covered={"EUR": Decimal("7.25")},
        cover_told=DAY + 9,
        terms_step=-1,
        terms_changed=DAY - 5,
        order_memory=OrderMemory(
            {"O9": ForcedHold("ana", "fraud?", "order.hold_forced")}, {"O8": Passed(Decimal(1), "EUR", DAY)}
        ),
        disputes={"I1": Dispute(7, True, Decimal("0.05"), "EUR", "price"), "I2": Dispute(8, False)},
        supply=Supply(DAY, 3, 2, DAY, DAY - 1, 2.5, 1.5, 4.0, 0.01, {"EUR": PriceStats(2.0, 3.3, 3.0)}),
        tightened=Tightened(3, 17, {"EUR": Decimal("9.5")}),
        review=StoppedTightening("HIGH_RISK", 1_700_000_000_000, 4, DAY, 1, ["O1"]),
        heard=1_700_000_000_001,
        group_marks=[GroupMark(16, "G", {"EUR": Decimal("3.5")}), GroupMark(17, "", {})],
        told=1_700_000_000_002,
        held=Tightened(4, 18, {"EUR": Decimal("9.5")}),
        overpaid={"I9": [EarlyPayment(Decimal("0.50"), "EUR", DAY)]},
    )


def test_full_account_has_something_in_every_field() -> None:
    """The account these tests use leaves no field at its default."""
    full, empty = msgspec.structs.asdict(_full()), msgspec.structs.asdict(account())
    assert [name for name, value in full.items() if value == empty[name]] == ["schema"]


def test_decode_undoes_encode() -> None:
    """Every field comes back equal, amounts with their digits and floats with their bits."""
    back = decode(encode(_full()))
    assert back == _full()
    assert str(back.items["I1"].outstanding) == "0.10"
    assert back.probability.hex() == (0.123456789012345).hex()
    assert encode(back) == encode(_full())


def test_new_account_is_unrated_and_comes_back() -> None:
    """An account of which nothing is known is UNRATED, has no points, and survives storage."""
    known = account()
    assert (known.level, known.score, known.applied) == ("UNRATED", 0, -1)
    assert decode(encode(known)) == known


def test_score_is_the_sum_of_points() -> None:
    """The score is never stored beside its parts."""
    assert _full().score == 305


def test_accounts_do_not_share_state() -> None:
    """What is booked on one new account is not seen on another."""
    one, two = account(), account()
    one.items["I1"] = OpenItem(Decimal(1), "EUR", DAY, Decimal(1))
    one.behaviour.cash["EUR"] = CashStats()
    one.tightenings.append(Tightening("id", 5, "PRIME"))
    one.master.base_limits["EUR"] = Decimal(1)
    assert two == account()


def test_newer_schema_is_refused() -> None:
    """State that a newer creditpulse wrote is refused before its fields are read, whatever their shape."""
    newer = msgspec.msgpack.encode([SCHEMA + 1, {"shape": "unknown"}, 3.5])
    with pytest.raises(UnsupportedVersion, match=f"schema {SCHEMA + 1}"):
        decode(newer)


def test_state_without_the_last_fields_is_read() -> None:
    """Fields are only ever appended: state written before a field was there gets its default."""
    row = msgspec.msgpack.decode(encode(_full()))
    older = decode(msgspec.msgpack.encode(row[:-1]))
    assert older.overpaid == {}
    assert older.held == _full().held
    assert older.order_memory == _full().order_memory


def test_orders_of_an_earlier_version_are_read() -> None:
    """Stored before it was counted what of them one person had let go."""
    row = msgspec.msgpack.decode(encode(_full()))
    orders = row[Account.__struct_fields__.index("orders")]
    for stored in orders.values():
        stored.pop()
    older = decode(msgspec.msgpack.encode(row))
    assert older.orders == {name: msgspec.structs.replace(o, by_one=Decimal(0)) for name, o in _full().orders.items()}


def test_opinions_of_earlier_versions_are_moved() -> None:
    """Z', agency and review that were kept as single figures go on counting, under a nameless voice."""
    old = account()
    old.external = External(
        altman_z=2.5, statement_day=DAY, agency=0.3, agency_day=DAY - 1, qualitative=11 / 3,
        qualitative_expires=DAY + 9, qualitative_day=DAY - 2,
    )  # fmt: skip
    moved = decode(encode(old))
    assert moved.external == External(
        statement=Statement(DAY, {"altman_z": 2.5}),
        agencies={"": AgencyReport(DAY - 1, Decimal("0.3"), Decimal(0), Decimal(1))},
        reviews={"": Review(DAY - 2, DAY + 9, 11 / 3, 11 / 3, 11 / 3)},
    )
    assert decode(encode(moved)) == moved


@pytest.mark.parametrize("data", [b"", b"\xc1", b"not msgpack", msgspec.msgpack.encode([1])])
def test_damaged_state_is_an_error(data: bytes) -> None:
    """What is no account never decodes into one."""
    with pytest.raises(msgspec.MsgspecError):
        decode(data)


def test_typical_account_is_small() -> None:
    """Ten open invoices with their predictions, remembered ids and statistics stay below 2 KB."""
    known = account()
    for number in range(10):
        name = f"INV-2024-{number:06d}"
        known.items[name] = OpenItem(Decimal("12345.67"), "EUR", DAY, Decimal("12345.67"))
        known.predictions[name] = Prediction(DAY + 6, DAY - 30, DAY, 0.123, 0.124, b"x" * 44, offset=-1234)
    known.seen = {DAY: b"x" * 8 * 32}
    known.behaviour.cash["EUR"] = CashStats()
    assert len(encode(known)) < 2048
