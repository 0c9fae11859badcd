"""Turn policy text (YAML) into validated policies: the default, packs, the firm's file and its overrides as layers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.policy_layers import Layer, LayeredPolicy
from models.policy_text import PACKS, Document, default_policy_text, pack_text, read_document
from schemas.errors import InvalidInput
from schemas.policy import Policy
from schemas.policy_layers import BOOK_WIDE, LayerHead, Target

__all__ = ["default_policy", "default_policy_text", "layered_policy", "parse_policy"]

_HEAD = frozenset(LayerHead.model_fields)
_Head = TypeVar("_Head", bound=BaseModel)


@lru_cache(maxsize=32)
def layered_policy(text: str, name: str = "policy") -> LayeredPolicy:
    """The policy of a firm's file with all its layers: default < packs < firm < segments < groups < customers.

    Raises:
        InvalidInput: names the file (``name``), the line, the field and what is wrong with it.
    """
    document = read_document(text, name)
    head = _head(LayerHead, {key: value for key, value in document.values.items() if key in _HEAD}, document, ())
    overrides = [_override(document, index, dict(values)) for index, values in enumerate(head.overrides)]
    _refuse_repeated(overrides)
    below = [_default_layer(), *_packs(document, head)]
    for own in head.packs:  # those that are not in use as well: a mistake in them would wait for its day
        LayeredPolicy([_default_layer(), *_pack_chain(own, document, head, (own,))], [])
    return LayeredPolicy([*below, Layer("firm", "firm", _sections(document.values), document)], overrides)


def parse_policy(text: str, name: str = "policy") -> Policy:
    """The policy of the book: what holds for a customer whom no override concerns. Raises as ``layered_policy``."""
    return layered_policy(text, name).base


def default_policy() -> Policy:
    """The default policy, parsed."""
    return parse_policy(default_policy_text(), "default_policy.yaml")


@lru_cache(maxsize=1)
def _default_layer() -> Layer:
    document = read_document(default_policy_text(), "default_policy.yaml")
    return Layer("default", "default", document.values, document)


@lru_cache(maxsize=len(PACKS))
def _shipped(name: str) -> Document:
    return read_document(pack_text(name), f"packs/{name}.yaml")


def _sections(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in _HEAD}


def _packs(document: Document, head: LayerHead) -> list[Layer]:
    return [] if head.pack is None else _pack_chain(head.pack, document, head, (head.pack,), at=("pack",))


def _pack_chain(
    name: str, document: Document, head: LayerHead, path: tuple[str, ...], at: tuple[str, ...] | None = None
) -> list[Layer]:
    """The layers of a pack and of those that it stands on, lowest first; ``path`` is how we came to it."""
    at_pack: tuple[str, ...]
    if name in head.packs:
        source, at_pack = document, ("packs", name)
        values = dict(head.packs[name])
    elif name in PACKS:
        source, at_pack = _shipped(name), ()
        values = source.values
    else:
        known = ", ".join([*PACKS, *head.packs])
        raise _wrong(document, at or ("packs", path[-2], "pack"), f"there is no pack {name!r} (there are: {known})")
    for key in ("packs", "overrides"):
        if key in values:
            raise _wrong(source, (*at_pack, key), "a pack is one layer: it holds no packs and no overrides")
    layer = Layer("pack", f"pack {name}", _sections(values), source, at_pack)
    if "pack" not in values:
        return [layer]
    below = _head(LayerHead, {"pack": values["pack"]}, source, at_pack).pack
    if below is None:
        return [layer]
    if below in path:
        raise _wrong(source, (*at_pack, "pack"), f"packs lead back to themselves: {' -> '.join([*path, below])}")
    return [*_pack_chain(below, document, head, (*path, below)), layer]


def _override(document: Document, index: int, values: dict[str, Any]) -> Layer:
    at = ("overrides", str(index))
    about = Target.model_fields
    target = _head(Target, {key: value for key, value in values.items() if key in about}, document, at)
    policy = {key: value for key, value in values.items() if key not in about}
    for key in policy:
        if key in BOOK_WIDE or key in _HEAD:
            raise _wrong(document, (*at, key), "holds for the whole book: it is set at the top of the file only")
    if not policy:
        raise _wrong(document, at, "an override that overrides nothing: name at least one section")
    kind, who = target.kind, target.customer or target.group or ""
    label = f"{kind} {who or ' '.join(f'{key}={value}' for key, value in target.where.items())}"
    return Layer(kind, label, policy, document, at, target.where, who)


def _refuse_repeated(overrides: list[Layer]) -> None:
    first: dict[str, Layer] = {}
    for layer in overrides:
        label = repr((layer.kind, layer.target, sorted(layer.where.items())))
        if label in first:
            text = f"{layer.label} is overridden already at {first[label].place(())}: join the two"
            raise _wrong(layer.document, layer.at, text)
        first[label] = layer


def _head(model: type[_Head], values: dict[str, Any], document: Document, at: tuple[str, ...]) -> _Head:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        text = first["msg"].removeprefix("Value error, ")
        raise _wrong(document, (*at, *(str(part) for part in first["loc"])), text) from error


def _wrong(document: Document, path: tuple[str, ...], text: str) -> InvalidInput:
    field = ".".join(path)
    return InvalidInput("policy_invalid", f"{document.where(path)}: {field}: {text}", field)
