"""Models, policies tried on the past, and dead letters, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from desk import dead_letter_acts, model_acts
from desk.api.guard import Admin, Analyst, Asked, Reader
from desk.dead_letter_acts import Resubmission
from desk.model_acts import ModelActSent, Task
from desk.model_figures import ModelNow, models_now
from desk.policy_trials import Trial
from schemas.fields import Identifier
from schemas.order_acts import Why

router = APIRouter(tags=["models, policies, data"])

TrialId = Annotated[str, Path(max_length=40)]
LetterId = Annotated[str, Field(min_length=1, max_length=300)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Promotion(_Body):
    """Which challenger is to lead."""

    task: Task
    model: Identifier
    reason: Why | None = None


class Restoration(_Body):
    """Which checkpoint is to be put back."""

    task: Task
    checkpoint: Identifier
    reason: Why | None = None


class Draft(_Body):
    """A policy file, whole."""

    text: str = Field(min_length=1, max_length=200_000)


class Resubmitted(_Body):
    """Which dead letters go in again; ``value``: the mended event, where there is only one."""

    ids: list[LetterId] = Field(min_length=1, max_length=200)
    value: str | None = Field(default=None, max_length=65_536)


@router.get("/v1/models", summary="The risk models as they stand: who leads, and how well")
async def models(services: Asked, who: Reader) -> list[ModelNow]:
    """Of each partition; quality on outcomes that have become certain."""
    return models_now(services)


@router.post("/v1/models/promotions", summary="Let a challenger lead", status_code=202)
async def promote(services: Asked, who: Admin, body: Promotion) -> ModelActSent:
    """In every partition. What came of it stands in the model log."""
    return await model_acts.promote(services, who, body.task, body.model, body.reason)


@router.post("/v1/models/restorations", summary="Put a model back to a checkpoint", status_code=202)
async def restore(services: Asked, who: Admin, body: Restoration) -> ModelActSent:
    """In every partition. What came of it stands in the model log."""
    return await model_acts.restore(services, who, body.task, body.checkpoint, body.reason)


@router.post("/v1/policy-trials", summary="Try a draft policy on the past, in money", status_code=202)
async def try_policy(services: Asked, who: Analyst, response: Response, body: Draft) -> Trial:
    """It runs in the background, one at a time: look under its id."""
    book = services.book
    trial = services.trials.start(who, body.text, book.policy_text(), services.now(), book.clock())
    response.headers["Location"] = f"/v1/policy-trials/{trial.id}"
    return trial


@router.get("/v1/policy-trials/{trial_id}", summary="How a trial stands, and what it found")
async def trial(services: Asked, who: Reader, trial_id: TrialId) -> Trial:
    """The newest ten are remembered."""
    return services.trials.get(trial_id)


@router.delete("/v1/policy-trials/{trial_id}", summary="Stop a trial")
async def stop_trial(services: Asked, who: Analyst, trial_id: TrialId) -> Trial:
    """One that has ended stays as it is."""
    return await services.trials.stop(who, trial_id)


@router.post("/v1/dead-letters/resubmissions", summary="Submit dead letters again")
async def resubmit(services: Asked, who: Analyst, body: Resubmitted) -> list[Resubmission]:
    """With their first time, keyed by the customer that they name. What would be refused again is told, not sent."""
    return await dead_letter_acts.resubmit(services, who, body.ids, body.value)
