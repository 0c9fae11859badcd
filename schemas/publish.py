"""Generate the published contracts (JSON Schemas and an AsyncAPI 3 document) from the pydantic models."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from schemas.topics import TOPICS, Topic

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FORMAT = "application/schema+json;version=draft-2020-12"


def _schema(topic: Topic) -> dict[str, Any]:
    mode = "serialization" if topic.direction == "out" else "validation"
    contract: TypeAdapter[Any] = topic.contract
    schema = contract.json_schema(mode=mode)  # type: ignore[arg-type]
    return {"$schema": _DIALECT, "$id": f"urn:creditpulse:topic:{topic.name}:1", **schema}


def _channel(topic: Topic) -> dict[str, Any]:
    key = {"type": "string", "description": "customer_id" if topic.keyed_by_customer else "free"}
    return {
        "address": topic.name,
        "description": topic.summary,
        "messages": {
            topic.name: {
                "name": topic.name,
                "contentType": "application/cloudevents+json" if topic.direction == "out" else "application/json",
                "payload": {"schemaFormat": _FORMAT, "schema": {"$ref": f"./{topic.name}.schema.json"}},
                "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
            }
        },
        "bindings": {
            "kafka": {
                "topicConfiguration": {"cleanup.policy": ["compact"] if topic.compacted else ["delete"]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _asyncapi(public: list[Topic]) -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "creditpulse",
            "version": "1.0.0",
            "description": "Events in (what we listen to) and events out (levels, alerts, order decisions).",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in public},
        "operations": {
            f"{'receive' if topic.direction == 'in' else 'send'}-{topic.name}": {
                "action": "receive" if topic.direction == "in" else "send",
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.summary,
            }
            for topic in public
        },
    }


def published_files() -> dict[str, str]:
    """File name -> text of every published contract; byte-identical for the same models."""
    public = [topic for topic in TOPICS if topic.direction != "internal"]
    documents = {f"{topic.name}.schema.json": _schema(topic) for topic in public}
    documents["asyncapi.json"] = _asyncapi(public)
    return {name: json.dumps(doc, indent=2, ensure_ascii=False) + "\n" for name, doc in documents.items()}
