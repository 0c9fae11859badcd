"""The frame around each page: navigation, state of the data, switches of language and theme, who is signed in.

It is also what a page works with: texts and formats of the user's language, views, news, and what the user may do.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.element import Element

from alerts.feed import FeedItem
from alerts.texts import Language, reason_text, text
from desk.acts import ActRefused, ReviewRefused
from desk.api.problems import Refused
from desk.api.roles import Role
from desk.api.services import Services
from desk.web.desk import Desk
from desk.web.formats import Formats
from desk.web.live import Handler, News, Subscription
from desk.web.preferences import Preference
from desk.web.sessions import Session
from desk.web.sign_in import current_user
from desk.web.texts import messages, said, translate
from desk.web.theme import Palette, Theme, palette
from desk.web.users import User
from desk.web.views import Row
from desk.web.watch import Health
from schemas.decisions import OrderCheck, Reason
from schemas.errors import Conflict, CreditPulseError, InvalidInput, Unavailable
from streams.archive.errors import NotFound

if TYPE_CHECKING:
    from desk.web.page import Page

_HEALTH_SECONDS = 1.0
_TOOLKIT_LANGUAGE = {"en": "en-GB", "zh": "zh-CN"}


class Words:
    """Texts and formats of one language, for the page ``key``."""

    def __init__(self, key: str, language: Language) -> None:
        self.key, self.language = key, language
        self.f = Formats(language)

    def t(self, key: str, **named: str) -> str:
        """A text of the page (``title``), or of another file (``frame.sign_out``)."""
        return translate(key if "." in key else f"{self.key}.{key}", self.language, **named)

    def code(self, code: str) -> str:
        """What a level, reason, check, kind or decision is called, as a word that stands alone."""
        found = text(code, self.language)
        return found[:1].upper() + found[1:]

    def reason(self, reason: Reason | OrderCheck) -> str:
        """A reason or check with its numbers."""
        return reason_text(reason, self.language)

    def error(self, error: CreditPulseError) -> str:
        """Why something was not done; in the error's own words, where there are none in this language."""
        if isinstance(error, Unavailable):
            return self.t("frame.try_again")
        if isinstance(error, ActRefused | ReviewRefused):
            return self.reason(error.check)
        key, named = "", {}
        if isinstance(error, NotFound):
            key = "not_found"
        elif isinstance(error, Conflict):
            key, named = error.reason, error.told
        elif isinstance(error, InvalidInput):
            key, named = error.code, {"field": error.field or ""}
        elif isinstance(error, Refused):
            key = error.code
        known = f"errors.{key}" in messages()
        if known:
            return self.t(f"errors.{key}", **named)
        return said(getattr(error, "message", None) or str(error), self.language)


class Frame(Words):
    """One open page of one user."""

    def __init__(self, desk: Desk, session: Session, user: User, key: str) -> None:
        self.desk, self.session, self.user = desk, session, user
        self.services: Services = desk.services
        liked = desk.preferences.of(user.name) or Preference(language=session.data.get("language", "en"))
        super().__init__(key, liked.language)
        self.theme: Theme = liked.theme
        self.palette: Palette = palette(self.theme)
        self.client = ui.context.client
        self._subscriptions: list[Subscription] = []
        self._shown_health: tuple[Any, ...] = ()

    # --- what a page asks for ---------------------------------------------------------------------------------

    async def view(self, name: str, customer_id: str | None = None, limit: int = 100, **more: Any) -> list[Row]:
        """A page of a view of the archive, shared with all who look at it now; raises Unavailable, NotFound."""
        return await self.desk.views.view(name, customer_id, limit, **more)

    def live(
        self,
        handler: Handler,
        *,
        topics: Iterable[str] = (),
        control: Iterable[str] = (),
        wants: Callable[[FeedItem], bool] | None = None,
        every: float | None = None,
    ) -> Subscription:
        """Call ``handler(news)`` once the page is there, and from then on with news, bundled twice a second.

        ``topics``: out topics (levels, alerts, order decisions), ``wants`` narrows them; ``control``: kinds of control
        records; ``every``: also after so many seconds, with what has come or nothing. It runs in the page: it may make
        and change elements. When it raises Unavailable it is called again with the same news.
        """

        async def in_page(news: News) -> None:
            with self.client:
                await handler(news)

        found = Subscription(in_page, frozenset(topics), frozenset(control), wants, every)
        self._subscriptions.append(found)
        return found

    def may(self, role: Role) -> bool:
        """Whether to offer what needs this role."""
        return self.user.role.holds(role)

    def acting(self, role: Role) -> User:
        """The person who acts now, looked up at this moment; raises Refused without the role, or when signed out."""
        user = current_user(self.desk, self.session)
        if user is None:
            raise Refused(401, "signed_out", self.t("frame.signed_out"))
        if not user.role.holds(role):
            raise Refused(
                403, "role_needed", self.t("frame.role_needed", role=self.t(f"frame.role_{role.name.lower()}"))
            )
        return user

    async def try_to(self, act: Awaitable[Any], done: str = "") -> bool:
        """Do it and say how it went; whether it was done."""
        try:
            await act
        except CreditPulseError as error:
            self.say(self.error(error), bad=True)
        else:
            if done:
                self.say(done)
            return True
        return False

    def say(self, message: str, *, bad: bool = False) -> None:
        """A note that goes away by itself."""
        with self.client:
            ui.notify(
                message, position="bottom-right", timeout=8000 if bad else 4000,
                classes="note-bad" if bad else "note-good", icon="error_outline" if bad else "check_circle",
                attrs={"role": "alert" if bad else "status"}, html=False,
            )  # fmt: skip

    # --- the frame itself -------------------------------------------------------------------------------------

    def build(self, pages: list[Page]) -> Element:
        """Everything around the page; gives the element in which the page stands."""
        title = self.t("title")
        page = copy.copy(self.client.page)
        page.language = _TOOLKIT_LANGUAGE[self.language]  # type: ignore[assignment]
        page.dark = self.theme == "dark"
        page.title = f"{title} · creditpulse"
        self.client.page = page
        ui.query("body").classes(f"cp cp-{self.theme} lang-{self.language}")
        ui.query(".nicegui-content").classes("cp-content")
        with ui.element("a").props('href="#main"').classes("skip-link"):
            ui.label(self.t("frame.skip"))
        with ui.element("aside").classes("side"):
            self._navigation(pages)
        self._top(title)
        self._banner = ui.element("div").classes("banner hidden").props('role="alert"')
        with self._banner:
            ui.icon("cloud_off")
            self._banner_text = ui.label("")
        return ui.element("main").classes(f"main page-{self.key}").props('id="main" tabindex="-1"')

    def built(self) -> None:
        """The page is made: keep it up to date while its browser is connected, until it leaves."""
        self.live(self._show_health, every=_HEALTH_SECONDS)
        ends: list[Callable[[], None]] = []

        def here() -> None:
            for subscription in self._subscriptions:
                subscription.away, subscription.due = False, 0.0
                if len(ends) < len(self._subscriptions):
                    ends.append(self.desk.news.subscribe(subscription))

        def gone() -> None:
            for subscription in self._subscriptions:
                subscription.away = True

        def left() -> None:
            for end in ends:
                end()

        self.client.on_connect(here)
        self.client.on_disconnect(gone)
        self.client.on_delete(left)

    def refused(self, role: Role) -> None:
        """Say that this user may not see the page."""
        with ui.element("div").classes("empty"):
            ui.icon("lock").classes("empty-icon")
            ui.label(self.t("frame.role_needed", role=self.t(f"frame.role_{role.name.lower()}")))

    def _navigation(self, pages: list[Page]) -> None:
        with ui.element("div").classes("brand"):
            ui.element("span").classes("brand-mark").props('aria-hidden="true"')
            ui.label("creditpulse").classes("brand-name")
        with ui.element("nav").classes("nav").props(f'aria-label="{self.t("frame.navigation")}"'):
            for page in pages:
                if page.order is None or not self.user.role.holds(page.role):
                    continue
                here = page.key == self.key
                with ui.link(target=page.path).classes("nav-item" + (" here" if here else "")) as link:
                    if here:
                        link.props('aria-current="page"')
                    ui.icon(page.icon).classes("nav-icon")
                    ui.label(translate(f"{page.key}.title", self.language))
        if self.desk.demo is not None:
            with ui.element("div").classes("demo-note"):
                ui.icon("science")
                ui.label(self.t("frame.demo"))

    def _top(self, title: str) -> None:
        with ui.element("header").classes("top"):
            with ui.element("h1").classes("top-title"):
                ui.label(title)
            ui.element("div").classes("grow")
            with ui.element("div").classes("light").props('role="status"') as self._light:
                self._light_icon = ui.icon("sync").classes("light-icon")
                self._light_text = ui.label("")
                with ui.tooltip():
                    self._light_more = ui.label("").classes("pre")
            other: Language = "zh" if self.language == "en" else "en"
            self._switch("translate", self.t("frame.other_language"), "language", other)
            dark = self.theme == "dark"
            icon, word, value = ("light_mode", "light", "light") if dark else ("dark_mode", "dark", "dark")
            self._switch(icon, self.t(f"frame.{word}"), "theme", value, short=True)
            self._person()

    def _switch(self, icon: str, label: str, preference: str, value: str, *, short: bool = False) -> None:
        async def change() -> None:
            with suppress(Unavailable):
                await self.desk.preferences.change(self.user.name, **{"language": self.language, "theme": self.theme}
                                                   | {preference: value})  # fmt: skip
            ui.navigate.reload()

        with ui.element("button").props(f'type="button" data-switch="{preference}"').classes("top-button") as button:
            button.props(f'aria-label="{label}"')
            ui.icon(icon)
            if not short:
                ui.label(label)
        button.on("click", change)

    def _person(self) -> None:
        with ui.element("div").classes("person"):
            ui.icon("account_circle")
            with ui.element("div").classes("person-text"):
                ui.label(self.user.name).classes("person-name")
                ui.label(self.t(f"frame.role_{self.user.role.name.lower()}")).classes("person-role")
        if self.desk.demo is None:
            with ui.element("form").props('method="post" action="/sign-out"'):
                ui.element("input").props(f'type="hidden" name="csrf" value="{self.session.csrf}"')
                with ui.element("button").props('type="submit"').classes("top-button") as button:
                    button.props(f'aria-label="{self.t("frame.sign_out")}"')
                    ui.icon("logout")

    async def _show_health(self, news: News) -> None:
        if current_user(self.desk, self.session) != self.user:
            ui.navigate.reload()
            return
        self.desk.sessions.find(self.session.token)  # an open page is use: it is there to be looked at all day
        health = self.desk.watch.health
        icon, word, look = self._light_of(health)
        away = [name for name, there in (("broker", health.broker), ("archive", health.archive)) if not there]
        more = self._more_of(health)
        state = (icon, word, look, tuple(away), more)
        if state == self._shown_health:
            return
        self._shown_health = state
        self._light_icon.name = icon
        self._light_text.text = word
        self._light_more.text = more
        self._light.classes(remove="light-good light-old light-bad", add=look)
        self._banner.classes(remove="hidden") if away else self._banner.classes(add="hidden")
        if away:
            self._banner_text.text = self.t(f"frame.away_{'_'.join(away)}")

    def _light_of(self, health: Health) -> tuple[str, str, str]:
        if not health.broker or not health.archive:
            return "cloud_off", self.t("frame.not_connected"), "light-bad"
        if not health.book:
            return "sync", self.t("frame.reading"), "light-old"
        stale = self.services.settings.api_stale_minutes * 60
        if health.behind is not None and health.behind.total_seconds() > stale:
            return "history", self.t("frame.old", age=self.f.age(health.behind)), "light-old"
        return "bolt", self.t("frame.as_of", time=self.f.clock(health.data_as_of)), "light-good"

    def _more_of(self, health: Health) -> str:
        lines = [f"{self.t('frame.data_as_of')}: {self.f.time(health.data_as_of, seconds=True)} UTC"]
        lines.append(f"{self.t('frame.lag')}: {self.f.number(health.lag)}")
        lines.append(f"{self.t('frame.pace')}: {self.f.number(health.per_second)}")
        return "\n".join(lines)
