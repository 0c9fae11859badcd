"""Disputes of invoices: while one is open, what is contested is owed but not overdue, and judges nobody.

Order of arrival does not matter: the newest news, by the time at which it happened, holds, and a dispute waits for
its invoice.
"""

from __future__ import annotations

from models.account import Account, Dispute
from models.calendar import day_of, to_ms
from models.ledger import credit_invoice
from models.memory import contains, id_hash
from schemas.events import DisputeResolved, InvoiceDisputed
from schemas.policy import Policy

_MAX_DISPUTES = 200
"""Disputes known per account: keeps the state bounded where invoices never arrive."""


def dispute_invoice(account: Account, event: InvoiceDisputed) -> None:
    """Open a dispute, or replace the one there is; one that happened before it was resolved changes nothing."""
    changed = to_ms(event.occurred_at)
    known = account.disputes.get(event.invoice_id)
    if known is not None and (changed < known.changed or (changed == known.changed and not known.open)):
        return
    _keep(account, event.invoice_id, Dispute(changed, True, event.amount, event.currency, event.reason))


def resolve_dispute(account: Account, event: DisputeResolved, policy: Policy) -> None:
    """Close the dispute, unless a newer one was opened, and book the credit note, if there is one."""
    changed, invoice = to_ms(event.occurred_at), event.invoice_id
    known = account.disputes.get(invoice)
    if known is None or changed >= known.changed:
        _keep(account, invoice, Dispute(changed, False, reason="other" if known is None else known.reason))
    if event.amount is not None and event.currency is not None:
        credit_invoice(account, invoice, event.amount, event.currency, day_of(event.occurred_at), policy)
    if invoice not in account.items and contains(account.closed, id_hash(invoice)):
        account.disputes.pop(invoice, None)


def _keep(account: Account, invoice_id: str, dispute: Dispute) -> None:
    """What was foretold of the invoice is dropped: whether it is paid late by the date does not tell the payer."""
    account.predictions.pop(invoice_id, None)
    account.rolls.pop(invoice_id, None)
    account.disputes.pop(invoice_id, None)
    account.disputes[invoice_id] = dispute
    if len(account.disputes) > _MAX_DISPUTES:
        waiting = (invoice for invoice in account.disputes if invoice not in account.items)
        del account.disputes[next(waiting, next(iter(account.disputes)))]
