"""What people ask about a customer as it stands in the engine: its file, what-if, which policy value and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from desk.api.services import Services
from models.policy_layers import Explained
from schemas.customer_file import CustomerFile, Rehearsed
from schemas.events import MAX_TERMS_DAYS, OrderPlaced, PaymentReceived
from schemas.fields import Currency, Identifier, PositiveAmount, SaneDate
from schemas.log import CustomerLogEvent, PolicyActivated
from streams.archive.errors import NotFound

NEW = "what-if"
"""Ids of what is only asked about; one more is not told apart from a real one, for it happens in a rehearsal."""


_LOWEST = "default"
"""The label of the lowest layer."""


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OrderStep(_Step):
    """The customer orders."""

    kind: Literal["order"]
    amount: PositiveAmount
    currency: Currency
    requested_terms_days: int | None = Field(default=None, ge=0, le=MAX_TERMS_DAYS)
    delivery_date: SaneDate | None = None


class PaymentStep(_Step):
    """The customer pays: an invoice, in whole or in part, or without saying what for."""

    kind: Literal["payment"]
    amount: PositiveAmount
    currency: Currency
    invoice_id: Identifier | None = None


class PolicyStep(_Step):
    """Another policy comes into force: the whole file."""

    kind: Literal["policy"]
    text: str = Field(min_length=1, max_length=200_000)


Step = Annotated[OrderStep | PaymentStep | PolicyStep, Field(discriminator="kind")]


class WhatIf(BaseModel):
    """One thing after the other, as of now. Nothing of it happens."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"steps": [{"kind": "payment", "amount": "12400.00", "currency": "EUR", "invoice_id": "INV-7"},
                   {"kind": "order", "amount": "30000.00", "currency": "EUR"}]}
    ]})  # fmt: skip

    steps: list[Step] = Field(min_length=1, max_length=5)

    @model_validator(mode="after")
    def _one_policy(self) -> WhatIf:
        if sum(step.kind == "policy" for step in self.steps) > 1:
            raise ValueError("steps: one policy at most")
        return self


class Answered(BaseModel):
    """Whose it is, and as of when: everything known until ``data_as_of`` is in it."""

    customer_id: str
    data_as_of: datetime
    stale: bool = Field(description="Older than CREDITPULSE_API_STALE_MINUTES.")


class FileAnswer(Answered, CustomerFile):
    """All that the engine holds of a customer."""

    name: str | None


class WhatIfAnswer(Answered, Rehearsed):
    """``known`` false: nobody has heard of the customer; it is treated as a new one."""

    known: bool


class PolicyValue(BaseModel):
    """A value of the policy for a customer: which layer sets it, where that stands, and what the layers below say."""

    path: str
    value: Any
    layer: str
    place: str
    says: list[tuple[str, Any]] = Field(description="All layers that say something, lowest first: layer, value.")


class PolicyAnswer(Answered):
    """The policy that holds for the customer. ``layers``: lowest first; each lies over those before it."""

    version: str
    layers: list[str]
    values: list[PolicyValue]


def customer_file(services: Services, customer_id: str) -> FileAnswer:
    """All about the customer, as of now; raises NotFound, Unavailable."""
    known = services.book.known(customer_id)
    if known.account is None:
        raise NotFound(f"the book knows no customer {customer_id!r}")
    found = services.book.rehearsal(customer_id).file(_now(services, known.as_of))
    return FileAnswer(**_answered(services, customer_id, known.as_of), **_fields(found), name=known.account.master.name)


def what_if(services: Services, customer_id: str, steps: Sequence[Step]) -> WhatIfAnswer:
    """What would become of the customer.

    Raises:
        InvalidInput: the policy is none; says where.
        Unavailable: the book has not been read yet.
    """
    known = services.book.known(customer_id)
    now = _now(services, known.as_of)
    events = [_event(step, number, customer_id, now) for number, step in enumerate(steps, start=1)]
    found = services.book.rehearsal(customer_id).after(events, now)
    return WhatIfAnswer(
        **_answered(services, customer_id, known.as_of), **_fields(found), known=known.account is not None
    )


def policy_values(services: Services, customer_id: str, paths: Sequence[str] = ()) -> PolicyAnswer:
    """The values at or under these dotted paths; without any, all that differ from the default policy.

    Raises:
        InvalidInput: the policy has no such path.
        Unavailable: the book has not been read yet.
    """
    known = services.book.known(customer_id)
    policy, own = services.book.layers(customer_id)
    if paths:
        found = [value for path in paths for value in policy.explain(path, own)]
    else:
        found = [
            value for value in policy.explain("", own) if value.value != value.says[0][1] or value.says[0][0] != _LOWEST
        ]
    return PolicyAnswer(
        **_answered(services, customer_id, known.as_of),
        version=policy.policy_of(own).version if policy.overrides else policy.base.version,
        layers=[layer.label for layer in (*policy.book, *own)],
        values=[_value(value) for value in found],
    )


def _value(found: Explained) -> PolicyValue:
    return PolicyValue(
        path=found.path, value=_plain(found.value), layer=found.layer, place=found.place,
        says=[(layer, _plain(value)) for layer, value in found.says],
    )  # fmt: skip


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str | list | dict) else str(value)


def _event(step: Step, number: int, customer_id: str, now: datetime) -> CustomerLogEvent | PolicyActivated:
    head: dict[str, Any] = {"version": 1, "event_id": f"{NEW}-{number}", "occurred_at": now}
    if isinstance(step, PolicyStep):
        return PolicyActivated(**head, by=NEW, text=step.text)
    named = step.model_dump(exclude={"kind"}) | {"customer_id": customer_id}
    if isinstance(step, PaymentStep):
        return PaymentReceived(**head, **named, payment_id=f"{NEW}-{number}", paid_at=now)
    return OrderPlaced(**head, **named, order_id=f"{NEW}-{number}")


def _now(services: Services, as_of: datetime) -> datetime:
    # What is asked of a replay is asked of its past.
    return as_of if services.settings.clock == "events" else services.now()


def _answered(services: Services, customer_id: str, as_of: datetime) -> dict[str, Any]:
    settings = services.settings
    old = settings.clock != "events" and services.now() - as_of > timedelta(minutes=settings.api_stale_minutes)
    return {"customer_id": customer_id, "data_as_of": as_of, "stale": old}


def _fields(found: BaseModel) -> dict[str, Any]:
    return {name: getattr(found, name) for name in type(found).model_fields}
