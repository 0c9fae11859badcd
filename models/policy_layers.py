"""The layers of a policy, pack < firm < segment < group < customer: which value holds for a customer, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ValidationError

from models.account import Master
from models.policy_text import Document
from schemas.errors import InvalidInput
from schemas.policy import Policy
from schemas.policy_layers import SEGMENT_KEYS

Kind = Literal["default", "pack", "firm", "segment", "group", "customer"]

ABSENT: Final = object()
"""What a layer says of a path that it does not name."""

MAX_COMBINATIONS = 20_000
"""Combinations of layers that are tried per section before a policy is accepted."""

MAX_SEGMENTS = 1_000
"""Overrides of segments; of groups and customers there may be more, for they never meet their like."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: ``values`` is a partial policy that stands at ``at`` in its document; ``where`` says which master
    data a segment is chosen by, ``target`` is the id of a group or customer."""

    kind: Kind
    label: str
    values: dict[str, Any]
    document: Document
    at: tuple[str, ...] = ()
    where: dict[str, str] = field(default_factory=dict)
    target: str = ""

    def says(self, path: Sequence[str]) -> Any:
        """The value at a path, or ``ABSENT``."""
        return value_at(self.values, path)

    def place(self, path: Sequence[str]) -> str:
        """``file:line`` of a path of the policy in this layer."""
        return self.document.where((*self.at, *path))


@dataclass(frozen=True, slots=True)
class Explained:
    """A value that holds, the layer it comes from, where that stands, and what each layer says (lowest first)."""

    path: str
    value: Any
    layer: str
    place: str
    says: tuple[tuple[str, Any], ...]


def value_at(values: Any, path: Iterable[str]) -> Any:
    """The value at a path of nested mappings, or ``ABSENT``."""
    for part in path:
        if not isinstance(values, dict):
            return ABSENT
        values = next((value for key, value in values.items() if str(key) == part), ABSENT)
        if values is ABSENT:
            return ABSENT
    return values


def leaves(values: dict[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All values with their paths; a list is one value (it replaces the whole list below), so is an empty mapping."""
    for key, value in values.items():
        path = (*prefix, str(key))
        if isinstance(value, dict) and value:
            yield from leaves(value, path)
        else:
            yield path, value


def laid_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """``top`` over ``base``: mappings are merged, anything else replaces what is below."""
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


class LayeredPolicy:
    """A whole policy file: the policy of the book, and the effective policy of every customer.

    Everything is checked when it is made, so that no customer's policy can fail later.
    """

    def __init__(self, book: Sequence[Layer], overrides: Sequence[Layer]) -> None:
        """``book`` holds the layers of everybody (default, packs, firm), lowest first; ``overrides`` the others, in
        the order of the file: of two segments that match, the later lies over the earlier.

        Raises:
            InvalidInput: a value is wrong, alone or together with layers that it may meet.
        """
        self.book, self.overrides = tuple(book), tuple(overrides)
        self._values: dict[str, Any] = {}
        for layer in book:
            self._values = laid_over(self._values, layer.values)
        self._segments = [layer for layer in overrides if layer.kind == "segment"]
        self._groups = {layer.target: layer for layer in overrides if layer.kind == "group"}
        self._customers = {layer.target: layer for layer in overrides if layer.kind == "customer"}
        self._matching: dict[tuple[str | None, ...], tuple[Layer, ...]] = {}
        try:
            self.base = Policy.model_validate(self._values)
        except ValidationError as error:
            raise _refusal(error, self.book, self._values) from error
        self._policies: dict[tuple[Layer, ...], Policy] = {(): self.base}
        self._check()

    def layers_of(self, customer_id: str, master: Master) -> tuple[Layer, ...]:
        """The overrides that concern a customer, lowest first; asked for every event, hence remembered."""
        if not self.overrides:
            return ()
        key = (master.segment, master.sector, master.region)
        found = self._matching.get(key)
        if found is None:
            found = self._matching[key] = matched(self._segments, dict(zip(SEGMENT_KEYS, key, strict=True)))
        # The head of a group belongs to it, whether its own master data say so or not.
        group = self._groups.get(master.group_parent or customer_id)
        customer = self._customers.get(customer_id)
        if group is not None:
            found = (*found, group)
        return found if customer is None else (*found, customer)

    def policy_of(self, layers: tuple[Layer, ...]) -> Policy:
        """The effective policy under these overrides; made once for each combination."""
        policy = self._policies.get(layers)
        if policy is None:
            policy = self._policies[layers] = Policy.model_validate(self._document(layers))
        return policy

    def explain(self, prefix: str = "", layers: tuple[Layer, ...] = ()) -> list[Explained]:
        """Every value at or under a dotted path (all values without one), and where each comes from.

        Raises:
            InvalidInput: there is no such path.
        """
        wanted = tuple(prefix.split(".")) if prefix else ()
        every = (*self.book, *layers)
        values: dict[str, Any] = {}
        for layer in every:
            values = laid_over(values, layer.values)
        found = [_explained(path, every) for path, _ in leaves(values) if path[: len(wanted)] == wanted]
        if not found:
            raise InvalidInput("policy_path_unknown", f"{prefix}: the policy has no such value", prefix)
        return found

    def _document(self, layers: Iterable[Layer], only: str | None = None) -> dict[str, Any]:
        """What is to be validated: sections that no layer touches are taken over as they are."""
        document: dict[str, Any] = {name: getattr(self.base, name) for name in Policy.model_fields}
        touched: dict[str, Any] = {}
        for layer in layers:
            for name, values in layer.values.items():
                if only in (None, name):
                    touched = laid_over(touched, {name: values})
        for name, values in touched.items():
            document |= laid_over({name: self._values.get(name, ABSENT)}, {name: values})
        return document

    def _check(self) -> None:
        if len(self._segments) > MAX_SEGMENTS:
            text = f"{self._segments[MAX_SEGMENTS].place(())}: more than {MAX_SEGMENTS:,} segments are overridden"
            raise InvalidInput("policy_too_many_combinations", text, "overrides")
        for layer in self.overrides:
            self._try(matched(self._segments, layer.where) if layer.kind == "segment" else (layer,), None)
        for name, section in Policy.model_fields.items():
            if not has_rules(section.annotation):
                continue
            for tried, layers in enumerate(self._combinations(name)):
                if tried == MAX_COMBINATIONS:
                    file = self.book[-1].document.name
                    text = f"{file}: {name}: more than {MAX_COMBINATIONS:,} combinations of overrides may meet in it"
                    raise InvalidInput("policy_too_many_combinations", text, name)
                if len(layers) > 1:
                    self._try(layers, name)

    def _try(self, layers: tuple[Layer, ...], only: str | None) -> None:
        try:
            Policy.model_validate(self._document(layers, only))
        except ValidationError as error:
            raise _refusal(error, layers, self._values) from error

    def _combinations(self, section: str) -> Iterator[tuple[Layer, ...]]:
        """All overrides of a section that one customer may meet together; those that say the same count once."""
        naming = [layer for layer in self.overrides if section in layer.values]
        segments = [layer for layer in naming if layer.kind == "segment"]
        named = [sorted({layer.where[key] for layer in segments if key in layer.where}) for key in SEGMENT_KEYS]
        people = islice(product(*([None, *values] for values in named)), MAX_COMBINATIONS + 1)
        matches = (matched(segments, dict(zip(SEGMENT_KEYS, who, strict=True))) for who in people)
        groups, customers = (
            [(), *((each,) for each in {repr(la.values[section]): la for la in naming if la.kind == kind}.values())]
            for kind in ("group", "customer")
        )
        for below in matches:
            for parts in product(groups, customers):
                yield tuple(layer for part in (below, *parts) for layer in part)


def matched(segments: Iterable[Layer], who: Mapping[str, str | None]) -> tuple[Layer, ...]:
    """The segments that a customer with these master data belongs to, in their order."""
    return tuple(layer for layer in segments if all(who.get(key) == value for key, value in layer.where.items()))


def has_rules(annotation: Any) -> bool:
    """Whether a section has rules between its values: only then may layers that are right alone be wrong together."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.values()
        return bool(annotation.__pydantic_decorators__.model_validators) or any(has_rules(f.annotation) for f in fields)
    return any(has_rules(part) for part in get_args(annotation))


def _explained(path: tuple[str, ...], layers: Sequence[Layer]) -> Explained:
    says = [(layer, value) for layer in layers if (value := layer.says(path)) is not ABSENT]
    decides, value = says[-1]
    texts = tuple((layer.label, said) for layer, said in says)
    return Explained(".".join(path), value, decides.label, decides.place(path), texts)


def _refusal(error: ValidationError, layers: Sequence[Layer], base: dict[str, Any]) -> InvalidInput:
    """The first fault, laid at the highest layer that names the most of its path."""
    first = error.errors()[0]
    path = tuple(str(part) for part in first["loc"])
    blamed = max(reversed(layers), key=lambda layer: _depth(layer.values, path))
    field_ = ".".join((*blamed.at, *path))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    others = [layer.label for layer in layers if layer is not blamed and layer.kind not in ("default", "pack", "firm")]
    beside = f" (together with {', '.join(others)})" if others else ""
    text = first["msg"].removeprefix("Value error, ")
    message = f"{blamed.place(path)}: {field_}: {text}{more}{beside}"
    return InvalidInput("policy_invalid", message, field_)


def _depth(values: Any, path: Sequence[str]) -> int:
    depth = 0
    for part in path:
        if isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        elif isinstance(values, dict) and value_at(values, [part]) is not ABSENT:
            values = value_at(values, [part])
        else:
            break
        depth += 1
    return depth
