"""Read the text of a policy (YAML) with the line of every value: the first step of every policy file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from schemas.errors import InvalidInput

PACKS: tuple[str, ...] = ("lending", "manufacturing", "supplier", "wholesale")
"""The packs that come with this version."""


@lru_cache(maxsize=1)
def default_policy_text() -> str:
    """The text of the default policy that comes with this version."""
    return resources.files("models").joinpath("default_policy.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=len(PACKS))
def pack_text(name: str) -> str:
    """The text of one of ``PACKS``."""
    return resources.files("models").joinpath("packs", f"{name}.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True, eq=False)
class Document:
    """A policy text, read: its values, and the line (from 1) on which each key or list item stands."""

    name: str
    values: dict[str, Any]
    lines: dict[tuple[str, ...], int]

    def where(self, path: Sequence[str]) -> str:
        """``file:line`` of a path, or of the innermost part of it that the text has."""
        for end in range(len(path), 0, -1):
            line = self.lines.get(tuple(path[:end]))
            if line is not None:
                return f"{self.name}:{line}"
        return self.name


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


def read_document(text: str, name: str, what: str = "policy") -> Document:
    """The document of a policy text, or of another file of settings that is read alike (``what``).

    Raises:
        InvalidInput: names ``name``, the line and what is wrong with the text.
    """
    try:
        loader = _UniqueKeys(text)
        try:
            node = loader.get_single_node()
            values = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InvalidInput(f"{what}_not_yaml", f"{name}{line}: {error.problem or error}") from error
    # Beside its own errors the parser lets through those of dates, times and numbers that do not exist, of keys that
    # are lists, and of nesting without end.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"{what}_not_yaml", f"{name}: {error}") from error
    if node is None or not isinstance(values, dict):
        raise InvalidInput(f"{what}_not_a_mapping", f"{name}: a {what} is a mapping of sections")
    return Document(name, values, _lines(node))


def _lines(root: yaml.Node) -> dict[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    seen: set[int] = set()  # an alias is its anchor's node: walked once, or a few lines could unfold into millions
    todo: list[tuple[tuple[str, ...], yaml.Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            children = [(str(key.value), key.start_mark, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            children = [(str(index), value.start_mark, value) for index, value in enumerate(node.value)]
        else:
            continue
        for key, mark, value in children:
            lines[*path, key] = mark.line + 1
            todo.append(((*path, key), value))
    return lines
