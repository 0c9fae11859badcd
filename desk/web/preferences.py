"""What a user likes: language, theme, saved views of tables; kept in the control topic, the same on every desk."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from alerts.texts import LANGUAGES, Language
from desk.api.keys import Records
from desk.web.theme import THEMES, Theme

KIND = "desk-preferences"
MOST_VIEWS = 50


@dataclass(frozen=True, slots=True)
class Preference:
    """``views``: saved views by page and name, each what the page made it of."""

    language: Language = "en"
    theme: Theme = "light"
    views: dict[str, dict[str, Any]] = field(default_factory=dict)


class Preferences:
    """Read and written per user name."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def of(self, user: str) -> Preference | None:
        """What the user chose, or None before any choice."""
        value = self._records.get(KIND, user)
        if value is None:
            return None
        language = next((known for known in LANGUAGES if known == value.get("language")), LANGUAGES[0])
        theme = next((known for known in THEMES if known == value.get("theme")), THEMES[0])
        return Preference(language, theme, value.get("views", {}))

    async def change(self, user: str, **changes: Any) -> None:
        """Change some of it; raises Unavailable."""
        changed = replace(self.of(user) or Preference(), **changes)
        await self._records.put(KIND, user, asdict(changed))

    async def save_view(self, user: str, page: str, name: str, view: Any) -> None:
        """Keep a view under a name (None: forget it); raises Unavailable."""
        views = (self.of(user) or Preference()).views
        of_page = {key: value for key, value in views.get(page, {}).items() if key != name}
        if view is not None:
            of_page = dict(list(of_page.items())[-(MOST_VIEWS - 1) :]) | {name: view}
        await self.change(user, views={**views, page: of_page})
