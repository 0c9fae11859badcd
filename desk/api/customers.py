"""One customer as it stands: its file, what-if, policy values, assessments entered, audit entries and their proof."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from desk import acts
from desk.acts import ActAnswer
from desk.api.acts import PENDING, Key, told
from desk.api.guard import Analyst, Asked, OrderEntry, Reader
from desk.customer_questions import (
    FileAnswer,
    PolicyAnswer,
    WhatIf,
    WhatIfAnswer,
    customer_file,
    policy_values,
    what_if,
)
from schemas.assessments import AgencyWord, ReviewGrades, StatementFigures
from schemas.fields import Identifier
from streams.audit.checkpoints import published
from streams.audit.customer import prove_customer

router = APIRouter(tags=["customers"])

CustomerId = Annotated[Identifier, Path()]
PolicyPath = Annotated[str, Query(max_length=120)]


class BrokenEntry(BaseModel):
    """The first entry that is not what was sealed."""

    partition: int
    sequence: int
    what: str


class Proof(BaseModel):
    """``ok``: all entries up to the newest checkpoint stand where they were sealed."""

    ok: bool
    proven: int
    uncovered: int = Field(description="Entries newer than the newest checkpoint: ask again in a minute.")
    broken: BrokenEntry | None


@router.get("/v1/customers/{customer_id:path}/file", summary="All that the engine holds of a customer, as of now")
async def file(services: Asked, who: Reader, customer_id: CustomerId) -> FileAnswer:
    """Parts of the score (they sum to it), exposure down to open items, ageing, paying habit, what is known of it, the
    way back. From the live book: it answers while the archive is away."""
    return customer_file(services, customer_id)


@router.post("/v1/customers/{customer_id:path}/what-if", summary="What would become of a customer; nothing happens")
async def rehearse(services: Asked, who: OrderEntry, customer_id: CustomerId, body: WhatIf) -> WhatIfAnswer:
    """After this order, this payment, this policy, one after the other: by the code that decides it live."""
    return what_if(services, customer_id, body.steps)


@router.get("/v1/customers/{customer_id:path}/policy", summary="Which policy values hold for a customer, and why")
async def policy(
    services: Asked,
    who: Reader,
    customer_id: CustomerId,
    path: Annotated[list[PolicyPath] | None, Query(max_length=20, description="E.g. ladder.WATCH or limits.")] = None,
) -> PolicyAnswer:
    """Each value with the layer that sets it; without a path, all that differ from the default policy."""
    return policy_values(services, customer_id, path or ())


@router.post("/v1/customers/{customer_id:path}/statements", summary="Enter a financial statement", responses=PENDING)
async def statement(
    services: Asked, who: Analyst, response: Response, customer_id: CustomerId, body: StatementFigures, key: Key = None
) -> ActAnswer:
    """Ratios are computed from it, Altman Z' among them."""
    return told(await acts.assess(services, who, customer_id, body, key=key), response)


@router.post("/v1/customers/{customer_id:path}/agency-reports", summary="Enter an agency's report", responses=PENDING)
async def agency_report(
    services: Asked, who: Analyst, response: Response, customer_id: CustomerId, body: AgencyWord, key: Key = None
) -> ActAnswer:
    """A score with the ends of its scale, or the symbol of a rating."""
    return told(await acts.assess(services, who, customer_id, body, key=key), response)


@router.post("/v1/customers/{customer_id:path}/reviews", summary="Enter your own review", responses=PENDING)
async def review(
    services: Asked, who: Analyst, response: Response, customer_id: CustomerId, body: ReviewGrades, key: Key = None
) -> ActAnswer:
    """The reviewer is whoever the key belongs to."""
    return told(await acts.assess(services, who, customer_id, body, key=key), response)


@router.get("/v1/customers/{customer_id:path}/audit/proof", summary="Whether a customer's audit entries are as sealed")
async def proof(services: Asked, who: Reader, customer_id: CustomerId) -> Proof:
    """Each entry's Merkle proof, checked against the published checkpoints, as an outside party would."""
    return await proof_of(services, customer_id)


async def proof_of(services: Asked, customer_id: str) -> Proof:
    """As the route answers; raises NotFound, Unavailable."""
    checkpoints = [out.data for out in await published(services.settings)]
    found = await prove_customer(services.archive, customer_id, checkpoints, services.now())
    broken = found.broken
    return Proof(
        ok=broken is None,
        proven=found.proven,
        uncovered=found.uncovered,
        broken=None
        if broken is None
        else BrokenEntry(partition=broken.partition, sequence=broken.sequence, what=str(broken)),
    )
