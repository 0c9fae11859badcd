"""What a page is, and how all of them are found and served."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app, ui

from desk.api.roles import Role
from desk.web.desk import desk_of
from desk.web.frame import Frame
from desk.web.sessions import session_of
from desk.web.sign_in import signed_in

_BUILD_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Page:
    """A page. ``build(frame, **path parameters)`` makes it; ``order`` places it in the navigation, None: not there.

    ``key`` names its texts: messages/KEY.yaml must have ``title``.
    """

    key: str
    path: str
    icon: str
    build: Callable[..., Awaitable[None]]
    order: int | None = None
    role: Role = Role.READER
    router: APIRouter | None = None
    """What the page asks for beside its news: routes of its own, which look after who is signed in themselves."""


def find_pages() -> list[Page]:
    """All pages, in the order of the navigation."""
    package = importlib.import_module("desk.web.pages")
    modules = [
        importlib.import_module(f"desk.web.pages.{found.name}") for found in pkgutil.iter_modules(package.__path__)
    ]
    pages = [module.PAGE for module in modules if hasattr(module, "PAGE")]
    return sorted(pages, key=lambda page: (page.order is None, page.order or 0, page.key))


def serve(pages: list[Page]) -> None:
    """Register the pages with the toolkit."""
    for page in pages:
        if page.router is not None:
            app.include_router(page.router)
        _serve(page, pages)


def _serve(page: Page, pages: list[Page]) -> None:
    async def shown(request: Request) -> Response | None:
        desk = desk_of()
        user = signed_in(desk, request)
        session = session_of(request)
        if user is None or session is None:
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(target, safe='')}", 303)
        frame = Frame(desk, session, user, page.key)
        with frame.build(pages):
            if user.role.holds(page.role):
                await page.build(frame, **request.path_params)
            else:
                frame.refused(page.role)
        frame.built()
        return None

    ui.page(page.path, response_timeout=_BUILD_SECONDS)(shown)
