"""The dialog in which a person gives a reason for an act; nothing is done before that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from desk.web.components.basics import button
from desk.web.frame import Frame

LONGEST_REASON = 500


async def ask_reason(
    frame: Frame,
    title: str,
    act: Callable[[str], Awaitable[object]],
    *,
    confirm: str = "",
    danger: bool = False,
    about: Callable[[], object] | None = None,
    done: str = "",
    needs_reason: bool = True,
) -> bool:
    """Open a dialog and, with a reason given, do ``act(reason)``; whether it was done.

    ``about`` makes more elements in the dialog: what is decided on, further fields. It stays open when the act fails,
    with what was typed, and says why. Escape closes it, Ctrl+Enter in the reason confirms. An act that needs no reason
    is only confirmed.
    """
    with ui.dialog().props("persistent no-route-dismiss") as dialog, ui.element("div").classes("dialog") as box:
        box.props('role="dialog" aria-modal="true"')
        box._props["aria-label"] = title
        with ui.element("h2").classes("dialog-title"):
            ui.label(title)
        if about is not None:
            about()
        reason = None
        if needs_reason:
            reason = ui.textarea(frame.t("frame.reason"), placeholder=frame.t("frame.reason_hint"))
            reason.props(f"outlined autogrow autofocus maxlength={LONGEST_REASON}").classes("reason-field")
        wrong = ui.label("").classes("bad-text hidden").props('role="alert"')

        async def go() -> None:
            text = (reason.value or "").strip() if reason is not None else ""
            if needs_reason and not text:
                wrong.text = frame.t("frame.reason_needed")
                wrong.classes(remove="hidden")
                return
            if await frame.try_to(act(text), done):
                dialog.submit(True)

        with ui.element("div").classes("dialog-acts"):
            button(frame.t("frame.cancel"), lambda: dialog.submit(False), look="quiet")
            sure = button(confirm or frame.t("frame.confirm"), go, look="danger" if danger else "main-act")
        if reason is not None:
            reason.on("keydown.ctrl.enter", go)
        else:
            sure.props("autofocus data-autofocus")
        box.on("keydown.esc", lambda: dialog.submit(False))
    result = await dialog
    dialog.delete()
    return bool(result)
