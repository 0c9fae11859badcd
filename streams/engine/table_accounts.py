"""The accounts of one partition in a Faust table, decoded when needed, and what has changed of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from models.account import Account, decode, encode

CACHED = 4_000
"""Decoded accounts kept per partition; the others are decoded again when they are needed."""


class StoredBytes(Protocol):
    """What is read of a table: ``streams.transport.bytes_table.BytesTable``."""

    def value(self, partition: int, key: bytes) -> bytes | None:
        """The value of a key."""

    def items_of(self, partition: int) -> Iterable[tuple[bytes, bytes]]:
        """All items of a partition."""


class TableAccounts:
    """``models.engine.Accounts`` on a table. Changes stay here until ``take_changes`` hands them over for writing."""

    def __init__(self, table: StoredBytes, partition: int) -> None:
        self._table, self._partition = table, partition
        self._cache: dict[str, Account] = {}
        self._changed: dict[str, Account] = {}
        self.levels: dict[str, str] = {}
        """Level of every customer, for the metrics."""

    def get(self, customer_id: str) -> Account | None:
        """The account as of the last ``put``, or as the table holds it."""
        account = self._changed.get(customer_id) or self._cache.get(customer_id)
        if account is None:
            data = self._table.value(self._partition, customer_id.encode())
            account = decode(data) if data is not None else None
        return account

    def put(self, account: Account) -> None:
        """Keep a changed account."""
        self._changed[account.customer_id] = account
        self.levels[account.customer_id] = account.level

    def all(self) -> Iterable[Account]:
        """Every account; called with nothing changed and not yet written."""
        for _, data in self._table.items_of(self._partition):
            account = decode(data)
            self.levels[account.customer_id] = account.level
            yield account

    def ids(self) -> Iterable[str]:
        """The id of every account; called with nothing changed and not yet written."""
        return [key.decode() for key, _ in self._table.items_of(self._partition)]

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Changed accounts as table items. They are encoded now: later entries may change them again."""
        items: dict[bytes, bytes | None] = {}
        for customer_id, account in self._changed.items():
            items[customer_id.encode()] = encode(account)
            self._cache.pop(customer_id, None)
            self._cache[customer_id] = account
        self._changed.clear()
        while len(self._cache) > CACHED:
            del self._cache[next(iter(self._cache))]
        return items
