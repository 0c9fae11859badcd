"""Accounts of one partition on a table: what was put is what is found, and changes are handed over once."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account import SCHEMA, Account, OpenItem, decode, encode
from schemas.errors import UnsupportedVersion
from schemas.levels import Level
from streams.engine import table_accounts
from streams.engine.table_accounts import TableAccounts
from tests.unit.streams.faust_parts import FakeTable


class CountingTable(FakeTable):
    """Counts how often a value is read, that is decoded."""

    reads = 0

    def value(self, partition: int, key: bytes) -> bytes | None:
        self.reads += 1
        return super().value(partition, key)


def account(customer: str, *, level: str = Level.UNRATED.value, next_wake: int = 0) -> Account:
    """An account with an open invoice."""
    item = OpenItem(Decimal("10.5"), "USD", 739_000, Decimal("10.5"))
    return Account(SCHEMA, customer, level=level, next_wake=next_wake, items={"I1": item})


def table_with(*accounts: Account, partition: int = 0) -> CountingTable:
    """A table that holds accounts already."""
    table = CountingTable("accounts", [])
    for each in accounts:
        table.data[partition][each.customer_id.encode()] = encode(each)
    return table


def test_a_stored_account_is_found_whole() -> None:
    """What the table holds is decoded; who is not there is None; another partition's accounts are not seen."""
    table = table_with(account("C1"))
    assert TableAccounts(table, 0).get("C1") == account("C1")
    assert TableAccounts(table, 0).get("C2") is None
    assert TableAccounts(table, 1).get("C1") is None


def test_a_changed_account_is_found_before_it_is_written() -> None:
    """The engine sees its own change at once; the table does not know it yet."""
    table = table_with(account("C1"))
    accounts = TableAccounts(table, 0)
    changed = account("C1", level="A")
    accounts.put(changed)
    assert accounts.get("C1") is changed
    assert decode(table.data[0][b"C1"]).level == Level.UNRATED


def test_changes_are_handed_over_once() -> None:
    """Each changed account is an item of the table; the next time only what has changed since."""
    accounts = TableAccounts(table_with(), 0)
    accounts.put(account("C1"))
    accounts.put(account("C2"))
    accounts.put(account("C1", level="A"))
    taken = accounts.take_changes()
    assert {key: decode(value or b"") for key, value in taken.items()} == {
        b"C1": account("C1", level="A"),
        b"C2": account("C2"),
    }
    assert accounts.take_changes() == {}


def test_what_is_handed_over_does_not_change_any_more() -> None:
    """A later event changes the account, not the bytes that are being written."""
    accounts = TableAccounts(table_with(), 0)
    accounts.put(account("C1"))
    taken = accounts.take_changes()
    again = accounts.get("C1")
    assert again is not None
    again.level = "E"
    accounts.put(again)
    assert decode(taken[b"C1"] or b"").level == Level.UNRATED
    assert decode(accounts.take_changes()[b"C1"] or b"").level == "E"


def test_an_account_handed_over_is_found_before_the_table_has_it() -> None:
    """While its bytes are on their way to the broker, the account is found all the same, without decoding."""
    table = table_with()
    accounts = TableAccounts(table, 0)
    accounts.put(account("C1"))
    accounts.take_changes()
    assert accounts.get("C1") == account("C1")
    assert table.reads == 0


def test_the_cache_is_bounded_and_keeps_what_changed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the accounts written, the newest CACHED stay decoded; a change makes an account new again."""
    monkeypatch.setattr(table_accounts, "CACHED", 2)
    table = table_with()
    accounts = TableAccounts(table, 0)
    for customer in ("C1", "C2", "C1", "C3"):
        accounts.put(account(customer))
        table.data[0].update({key: value or b"" for key, value in accounts.take_changes().items()})
    for customer, reads in (("C1", 0), ("C3", 0), ("C2", 1)):
        table.reads = 0
        assert accounts.get(customer) == account(customer)
        assert table.reads == reads, customer


def test_wakes_and_levels_come_from_the_table() -> None:
    """A new owner of the partition knows when to look at each account, and the level of each."""
    table = table_with(account("C1", next_wake=7, level="A"), account("C2", next_wake=9))
    accounts = TableAccounts(table, 0)
    assert sorted((account.next_wake, account.customer_id) for account in accounts.all()) == [(7, "C1"), (9, "C2")]
    assert sorted(accounts.ids()) == ["C1", "C2"]
    assert accounts.levels == {"C1": "A", "C2": Level.UNRATED}
    accounts.put(account("C1", level="E"))
    assert accounts.levels["C1"] == "E"


def test_state_of_a_newer_version_is_refused() -> None:
    """An account that a newer creditpulse wrote is not read as if it were ours."""
    table = table_with(account("C1"))
    fields = msgspec.msgpack.decode(table.data[0][b"C1"])
    table.data[0][b"C1"] = msgspec.msgpack.encode([SCHEMA + 1, *fields[1:], "new"])
    with pytest.raises(UnsupportedVersion):
        TableAccounts(table, 0).get("C1")
    with pytest.raises(UnsupportedVersion):
        list(TableAccounts(table, 0).all())


_STEPS = st.lists(
    st.one_of(st.tuples(st.sampled_from(["C1", "C2", "C3", "C4"]), st.sampled_from("ABCDE")), st.none()), max_size=30
)


@given(_STEPS)
def test_the_table_ends_as_a_dictionary_would(steps: list[tuple[str, str] | None]) -> None:
    """However puts and writes alternate: every get is the last put, and so is the table after the last write."""
    table = table_with()
    accounts = TableAccounts(table, 0)
    expected: dict[str, str] = {}

    def write() -> None:
        table.put(0, accounts.take_changes(), 0)

    for step in steps:
        if step is None:
            write()
            continue
        customer, level = step
        found = accounts.get(customer)
        assert (found.level if found else None) == expected.get(customer)
        accounts.put(account(customer, level=level))
        expected[customer] = level
    write()
    assert {key.decode(): decode(value).level for key, value in table.data[0].items()} == expected
