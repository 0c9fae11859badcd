"""Read a routing file; every mistake is told with the file and the line on which it stands."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from alerts.routing.config import Routing
from models.policy_text import Document, read_document
from schemas.errors import InvalidInput
from streams.text_file import read_text

DEFAULT_ROUTING = Path(__file__).parents[1] / "default_routing.yaml"
"""Nobody outside is told."""


def parse_routing(text: str, name: str) -> Routing:
    """The routing of a text; raises InvalidInput, which names ``name``, line and field of every mistake."""
    document = read_document(text, name, "routing")
    try:
        return Routing.model_validate(document.values)
    except ValidationError as error:
        lines = [_told(document, item["loc"], item["msg"]) for item in error.errors()]
        first = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InvalidInput("routing_invalid", "\n".join(lines), first or None) from error


def read_routing(path: Path | None) -> Routing:
    """The routing of a file; the default one without a file. Raises InvalidInput."""
    if path is None:
        return parse_routing(DEFAULT_ROUTING.read_text(encoding="utf-8"), DEFAULT_ROUTING.name)
    return parse_routing(read_text(path, "routing_unreadable"), str(path))


def _told(document: Document, where: tuple[int | str, ...], message: str) -> str:
    path = [str(part) for part in where]
    field = ".".join(path)
    text = message.removeprefix("Value error, ")
    return f"{document.where(path)}: {field}: {text}" if field else f"{document.name}: {text}"
