"""Models and policy: how well the models foretell, who leads; which policy value applies; a draft on the past."""

from __future__ import annotations

from nicegui import ui

from desk.model_figures import models_now
from desk.web.components.basics import card
from desk.web.customer.policy_card import PolicyValues
from desk.web.frame import Frame
from desk.web.live import News
from desk.web.oversight.model_log import LabelMaturity, ModelLog
from desk.web.oversight.models_now import ModelsNow
from desk.web.oversight.policy_trial import PolicyTrialCard
from desk.web.page import Page

_SECONDS, _LOG_SECONDS = 2.0, 5.0
_NOTES, _MONTHS = 500, 1_000


async def build(frame: Frame) -> None:
    """The page."""
    with ui.element("div").classes("grid"):
        models, notes, maturity = ModelsNow(frame), ModelLog(frame), LabelMaturity(frame)
        with card(frame.t("policy"), frame.t("policy_note"), span=7):
            values = PolicyValues(frame)
        trial = PolicyTrialCard(frame)
    first = True

    async def refresh(news: News) -> None:
        nonlocal first
        models.show(models_now(frame.services))
        trial.show()
        if first:
            first = False
            await values.look()

    async def refresh_log(news: News) -> None:
        notes.show(await frame.view("model_log", limit=_NOTES, max_age=3.0))
        maturity.show(await frame.view("label_maturity", limit=_MONTHS, max_age=60.0))

    frame.live(refresh, every=_SECONDS)
    frame.live(refresh_log, every=_LOG_SECONDS)


PAGE = Page("models", "/models", "model_training", build, order=60)
