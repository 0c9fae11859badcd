"""The dialogs in which a person confirms an act, and gives a reason for it; nothing is done before that."""

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

    ``about`` makes more elements in the dialog: what is decided on, further fields. An act that needs no reason is
    only confirmed. Otherwise as ``ask``.
    """
    fields: list[ui.textarea] = []

    def parts() -> None:
        if about is not None:
            about()
        if needs_reason:
            reason = ui.textarea(frame.t("frame.reason"), placeholder=frame.t("frame.reason_hint"))
            reason.props(f"outlined autogrow autofocus maxlength={LONGEST_REASON}").classes("reason-field")
            fields.append(reason)

    def given() -> str:
        return (fields[0].value or "").strip() if fields else ""

    def missing() -> str:
        return frame.t("frame.reason_needed") if needs_reason and not given() else ""

    return await ask(
        frame, title, lambda: act(given()), about=parts, missing=missing, confirm=confirm, danger=danger, done=done,
        focus=not needs_reason,
    )  # fmt: skip


async def ask(
    frame: Frame,
    title: str,
    act: Callable[[], Awaitable[object]],
    *,
    about: Callable[[], object],
    missing: Callable[[], str] = str,
    confirm: str = "",
    danger: bool = False,
    done: str = "",
    wide: bool = False,
    focus: bool = False,
) -> bool:
    """Open a dialog and, once confirmed, do ``act()``; whether it was done.

    ``about`` makes what stands in it: what is decided on, fields; ``missing`` says what is still to be given. It stays
    open when the act fails, with what was typed, and says why. Escape closes it, Ctrl+Enter confirms. ``focus``: the
    button that confirms has the focus, for there is no field that could have it.
    """
    # In the page, not where the button stands: that may be redrawn, and would take the dialog with it.
    with (
        frame.client,
        ui.dialog().props("persistent no-route-dismiss") as dialog,
        ui.element("div").classes("dialog") as box,
    ):
        box.props('role="dialog" aria-modal="true"')
        box._props["aria-label"] = title
        if wide:
            box.classes("wide")
        with ui.element("h2").classes("dialog-title"):
            ui.label(title)
        about()
        wrong = ui.label("").classes("bad-text hidden").props('role="alert"')

        async def go() -> None:
            wrong.text = missing()
            if wrong.text:
                wrong.classes(remove="hidden")
                return
            wrong.classes(add="hidden")
            if await frame.try_to(act(), done):
                dialog.submit(True)

        with ui.element("div").classes("dialog-acts"):
            button(frame.t("frame.cancel"), lambda: dialog.submit(False), look="quiet")
            sure = button(confirm or frame.t("frame.confirm"), go, look="danger" if danger else "main-act")
        if focus:
            sure.props("autofocus data-autofocus")
        box.on("keydown.ctrl.enter", go)
        box.on("keydown.esc", lambda: dialog.submit(False))
    result = await dialog
    dialog.delete()
    return bool(result)
