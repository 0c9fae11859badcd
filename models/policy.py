"""Turn policy text (YAML) into a validated policy, laid over the documented default."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

from schemas.errors import InvalidInput
from schemas.policy import Policy


@lru_cache(maxsize=1)
def default_policy_text() -> str:
    """The text of the default policy that comes with this version."""
    return resources.files("models").joinpath("default_policy.yaml").read_text(encoding="utf-8")


class _UniqueKeys(yaml.SafeLoader):
    """A key given twice is a mistake: YAML would silently keep the second."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _mapping(text: str, name: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 (a SafeLoader)
    # Beside its own errors the parser lets through those of dates, times and numbers that do not exist, of keys that
    # are lists, and of nesting without end.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput("policy_not_yaml", f"{name}: {error}") from error
    if not isinstance(document, dict):
        raise InvalidInput("policy_not_a_mapping", f"{name}: a policy is a mapping of sections")
    return document


def _laid_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


@lru_cache(maxsize=32)
def parse_policy(text: str, name: str = "policy") -> Policy:
    """The policy of a firm's file, laid over the default.

    Raises:
        InvalidInput: names the file (``name``), the field and what is wrong with it.
    """
    document = _laid_over(_mapping(default_policy_text(), "default_policy.yaml"), _mapping(text, name))
    try:
        return Policy.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InvalidInput("policy_invalid", f"{name}: {field}: {first['msg']}{more}", field) from error


def default_policy() -> Policy:
    """The default policy, parsed."""
    return parse_policy(default_policy_text(), "default_policy.yaml")
