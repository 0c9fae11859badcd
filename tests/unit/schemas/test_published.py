"""What we publish about our contracts is true, and old consumers and producers go on working."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.publish import published_files
from schemas.topics import BY_NAME, TOPICS

ROOT = Path(__file__).resolve().parents[3]
PUBLISHED = ROOT / "schemas" / "published"
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
PUBLIC = [topic.name for topic in TOPICS if topic.direction != "internal"]


def topic_of(path: Path) -> str:
    """``in.payments.payment.received.json`` belongs to the topic payments."""
    return path.name.split(".")[1]


def published_schema(topic: str) -> dict[str, Any]:
    """The published JSON Schema of a topic."""
    found: dict[str, Any] = json.loads((PUBLISHED / f"{topic}.schema.json").read_text(encoding="utf-8"))
    return found


def test_published_files_are_up_to_date() -> None:
    """The files in schemas/published/ are what the models say now; `creditpulse schemas` brings them up to date."""
    found = {path.name: path.read_text(encoding="utf-8") for path in PUBLISHED.iterdir()}
    assert found == published_files()


@pytest.mark.parametrize("topic", PUBLIC)
def test_schemas_are_valid(topic: str) -> None:
    """Each published schema is a valid JSON Schema of draft 2020-12."""
    Draft202012Validator.check_schema(published_schema(topic))


def test_asyncapi_names_every_public_topic() -> None:
    """The AsyncAPI document has a channel and an operation per public topic, and its references lead somewhere."""
    document = json.loads((PUBLISHED / "asyncapi.json").read_text(encoding="utf-8"))
    assert document["asyncapi"].startswith("3.")
    assert sorted(document["channels"]) == sorted(PUBLIC)
    for name, channel in document["channels"].items():
        (message,) = channel["messages"].values()
        assert (PUBLISHED / message["payload"]["schema"]["$ref"]).exists(), name
    actions = {
        op["channel"]["$ref"].removeprefix("#/channels/"): op["action"] for op in document["operations"].values()
    }
    assert actions == {name: "receive" if BY_NAME[name].direction == "in" else "send" for name in PUBLIC}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_documents_of_version_1_stay_valid(path: Path) -> None:
    """An event as it was written in version 1 is accepted as ever, by the models and by the published schema.

    A field that is taken away, renamed, narrowed or newly required breaks this: that needs a new version.
    """
    text = path.read_text(encoding="utf-8")
    topic = topic_of(path)
    event = BY_NAME[topic].contract.validate_json(text)
    Draft202012Validator(published_schema(topic)).validate(json.loads(text))
    if path.name.startswith("out."):
        again = json.loads(BY_NAME[topic].contract.dump_json(event))
        assert _paths(json.loads(text)) <= _paths(again), "a field that subscribers may read is gone"


def test_every_public_topic_has_a_golden_document() -> None:
    """No contract is without an example that guards it."""
    assert {topic_of(path) for path in GOLDEN} == set(PUBLIC)


def _paths(value: Any, prefix: str = "") -> set[str]:
    if isinstance(value, dict):
        return {path for name, item in value.items() for path in _paths(item, f"{prefix}.{name}")} | {prefix}
    if isinstance(value, list):
        return {path for item in value for path in _paths(item, f"{prefix}[]")} | {prefix}
    return {prefix}
