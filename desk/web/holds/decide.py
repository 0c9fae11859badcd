"""The dialogs in which a person decides on a held order, a proposal or a review, and what is told of it.

Each act names the version that was seen. Where somebody was faster nothing is done, and how it stands now is shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from nicegui import ui

from alerts.order_text import order_sentence
from alerts.sentences import joined, review_text
from desk import acts
from desk.acts import ActAnswer, ActRefused, OrderSeen, ReviewRefused
from desk.hold_queue import HeldOrder
from desk.open_orders import order_now
from desk.proposals import Proposal
from desk.web.components.acts import ask_reason
from desk.web.components.basics import button, facts
from desk.web.frame import Frame
from desk.web.holds.words import order_facts
from schemas.errors import InvalidInput, Unavailable
from streams.archive.errors import NotFound

Act = Callable[[str], Awaitable[ActAnswer]]


class Decide:
    """All that can be decided, of one open page."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    async def release(self, held: HeldOrder, *, part: bool = False) -> None:
        """Let it go, whole or up to an amount, if wanted until a day only."""
        frame, fields = self._frame, dict[str, ui.input]()

        def about() -> None:
            facts(order_facts(frame, held))
            with ui.element("div").classes("form-grid"):
                if part:
                    label = frame.t("up_to", currency=held.currency)
                    fields["amount"] = ui.input(label, value=_part(held)).props("outlined dense")
                    fields["amount"]._props["aria-label"] = label
                label = frame.t("valid_until")
                fields["until"] = ui.input(label).props('outlined dense type="date" stack-label')

        async def act(reason: str) -> ActAnswer:
            amount = _amount(frame, fields["amount"].value) if part else None
            return await acts.release(
                frame.services, frame.acting(acts.RELEASES), _seen(held), reason, up_to_amount=amount,
                currency=held.currency if part else None, valid_until=_day(frame, fields["until"].value),
            )  # fmt: skip

        await self._ask("release_part" if part else "release", held, act, about)

    async def reject(self, held: HeldOrder) -> None:
        """Refuse it."""
        frame = self._frame

        async def act(reason: str) -> ActAnswer:
            return await acts.reject(frame.services, frame.acting(acts.HOLDS), _seen(held), reason)

        await self._ask("reject", held, act, danger=True)

    async def hold(self, held: HeldOrder) -> None:
        """From now on only a person frees it."""
        frame = self._frame

        async def act(reason: str) -> ActAnswer:
            return await acts.hold(frame.services, frame.acting(acts.HOLDS), _seen(held), reason)

        await self._ask("hold", held, act)

    async def lift(self, held: HeldOrder) -> None:
        """End a forced hold."""
        frame = self._frame

        async def act(reason: str) -> ActAnswer:
            return await acts.lift_hold(frame.services, frame.acting(acts.RELEASES), _seen(held), reason)

        await self._ask("lift", held, act)

    async def hold_another(self) -> None:
        """Hold an order that is not in the queue, or is still to come."""
        frame, fields = self._frame, dict[str, ui.input]()

        def about() -> None:
            ui.label(frame.t("hold_another_about")).classes("muted")
            with ui.element("div").classes("form-grid"):
                for name in ("customer", "order"):
                    fields[name] = ui.input(frame.t(name)).props("outlined dense")
                    fields[name]._props["aria-label"] = frame.t(name)

        async def act(reason: str) -> ActAnswer:
            customer_id, order_id = ((fields[name].value or "").strip() for name in ("customer", "order"))
            order = OrderSeen(customer_id, order_id, None)
            return await acts.hold(frame.services, frame.acting(acts.HOLDS), order, reason)

        await self._do(frame.t("hold_another"), act, about, done="hold_done")

    async def approve(self, proposal: Proposal) -> None:
        """Agree to a release as the second person."""
        frame = self._frame

        async def act(_: str) -> ActAnswer:
            return await acts.approve(frame.services, frame.acting(acts.RELEASES), proposal.id)

        title = frame.t("approve_this", order=proposal.order_id)
        await self._do(title, act, self._about_proposal(proposal), done="approve_done", needs_reason=False)

    async def decline(self, proposal: Proposal) -> None:
        """Say no to a release that was asked for, or take back what one has asked for oneself."""
        frame = self._frame

        async def act(reason: str) -> None:
            await acts.decline(frame.services, frame.acting(acts.HOLDS), proposal.id, reason)

        title = frame.t("decline_this", order=proposal.order_id)
        about = self._about_proposal(proposal)
        await ask_reason(frame, title, act, about=about, danger=True, done=frame.t("decline_done"))

    async def review(self, row: dict[str, Any], *, approve: bool) -> None:
        """Decide on a tightening that the brake stopped."""
        frame, name = self._frame, "review_approve" if approve else "review_reject"

        async def act(reason: str) -> ActAnswer:
            decide = acts.approve_review if approve else acts.reject_review
            who = frame.acting(acts.REVIEWS)
            return await decide(frame.services, who, row["customer_id"], reason, version=row["version"])

        def about() -> None:
            ui.label(frame.t(f"{name}_about")).classes("muted")
            facts(row["facts"])

        title = frame.t(f"{name}_this", customer=row["customer_id"])
        await self._do(title, act, about, done=f"{name}_done", danger=not approve)

    def _about_proposal(self, proposal: Proposal) -> Callable[[], object]:
        return lambda: facts(proposal_facts(self._frame, proposal))

    async def _ask(
        self,
        name: str,
        held: HeldOrder,
        act: Act,
        about: Callable[[], object] | None = None,
        *,
        danger: bool = False,
    ) -> None:
        frame = self._frame
        title = frame.t(f"{name}_this", order=held.order_id)
        shown = about or (lambda: facts(order_facts(frame, held)))
        await self._do(title, act, shown, done=f"{name}_done", danger=danger)

    async def _do(
        self,
        title: str,
        act: Act,
        about: Callable[[], object],
        *,
        done: str,
        danger: bool = False,
        needs_reason: bool = True,
    ) -> None:
        frame = self._frame
        refused: list[ActRefused | ReviewRefused] = []

        async def act_and_tell(reason: str) -> None:
            try:
                answer = await act(reason)
            except (ActRefused, ReviewRefused) as error:
                refused.append(error)
                return
            if answer.status == "proposed" and answer.proposal is not None:
                frame.say(frame.t("proposed_done", above=answer.proposal.above))
            else:
                frame.say(frame.t("pending_done" if answer.status == "pending" else done))

        await ask_reason(frame, title, act_and_tell, about=about, danger=danger, needs_reason=needs_reason)
        for error in refused:
            await self._show_conflict(error)

    async def _show_conflict(self, error: ActRefused | ReviewRefused) -> None:
        frame, t = self._frame, self._frame.t
        with ui.dialog() as dialog, ui.element("div").classes("dialog conflict") as box:
            box.props('role="alertdialog" aria-modal="true"')
            box._props["aria-label"] = t("conflict")
            with ui.element("h2").classes("dialog-title"):
                ui.label(t("conflict"))
            ui.label(frame.reason(error.check)).classes("bad-text")
            facts([(t("stands_now"), _stands(frame, error))])
            with ui.element("div").classes("dialog-acts"):
                button(t("frame.close"), lambda: dialog.submit(True), look="main-act").props("autofocus")
        await dialog
        dialog.delete()


def proposal_facts(frame: Frame, proposal: Proposal) -> list[tuple[str, str]]:
    """What was asked for, by whom and why."""
    t, f = frame.t, frame.f
    amount = t("whole") if proposal.up_to_amount is None else f.money(proposal.up_to_amount, proposal.currency or "")
    pairs = [
        (t("customer"), proposal.customer_id),
        (t("asked_by"), proposal.by),
        (t("asks_for"), amount),
        (t("valid_until"), f.day(proposal.valid_until) if proposal.valid_until else ""),
        (t("frame.reason"), proposal.reason),
        (t("four_eyes_above"), proposal.above),
    ]
    return [pair for pair in pairs if pair[1]]


def _stands(frame: Frame, error: ActRefused | ReviewRefused) -> str:
    if isinstance(error, ReviewRefused):
        return review_text(error.review.model_copy(update={"refusal": None, "by": None}), frame.language)
    kept = [check for check in error.decision.checks if check != error.check]
    if not error.decision.amount:
        return frame.t("not_open")
    # The answer names who asked, and why; whose decision stands against it, the book knows.
    stands = error.decision.model_copy(update={"checks": kept, "by": None, "reason": None})
    told = [order_sentence("", stands, frame.language).strip()]
    with suppress(NotFound, Unavailable):
        order = order_now(frame.services.book, error.customer_id, error.decision.order_id)
        told += [
            frame.t("stands_by", by=said.by, reason=said.reason)
            for said in (order.forced, order.release)
            if said is not None
        ]
    return joined(told, frame.language)


def _seen(held: HeldOrder) -> OrderSeen:
    return OrderSeen(held.customer_id, held.order_id, held.version)


def _part(held: HeldOrder) -> str:
    """What may go by the mildest measure, or fits into the limit."""
    if held.measure is not None and held.measure.release_amount is not None:
        return str(held.measure.release_amount)
    headroom = held.exposure.headroom
    return str(min(headroom, held.amount)) if headroom is not None and headroom > 0 else ""


def _amount(frame: Frame, text: str | None) -> Decimal:
    try:
        found = Decimal((text or "").strip().replace(",", ""))
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0:
        raise InvalidInput("up_to_amount", frame.t("amount_needed"), "up_to_amount")
    return found


def _day(frame: Frame, text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("valid_until", frame.t("day_needed"), "valid_until") from None
