"""Find what stands in a policy without any effect: settings that a reader of the file would wrongly count on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.policy_layers import ABSENT, Layer, LayeredPolicy, laid_over, leaves, value_at

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadSetting:
    """A setting without effect: where it stands (``file:line``), its path in the file, its layer, and why."""

    place: str
    path: str
    layer: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.path}: {self.why}"


def dead_settings(policy: LayeredPolicy) -> list[DeadSetting]:
    """All settings without effect, in the order of the layers.

    Whether any customer belongs to a segment or group cannot be known from the file and is not looked at.
    """
    found = [*_unused_packs(policy)]
    for index, layer in enumerate(policy.book[1:], start=1):
        found += _repeated_in_book(layer, policy.book[:index])
    for layer, lower, over in _neighbours(policy.overrides):
        found += _dead_in_override(policy, layer, lower, over)
    for layer in (*policy.book[1:], *policy.overrides):
        found += _weightless(policy, layer)
    return found


def _dead(layer: Layer, path: Path, why: str) -> DeadSetting:
    return DeadSetting(layer.place(path), ".".join((*layer.at, *path)), layer.label, why)


def _unused_packs(policy: LayeredPolicy) -> Iterator[DeadSetting]:
    firm = policy.book[-1]
    used = {layer.at for layer in policy.book if layer.document is firm.document}
    for name in firm.document.values.get("packs") or ():
        if ("packs", name) not in used:
            yield _dead(firm, ("packs", name), "the pack is not used: name it with pack:")


def _repeated_in_book(layer: Layer, below: Sequence[Layer]) -> Iterator[DeadSetting]:
    values: dict[str, object] = {}
    for lower in below:
        values = laid_over(values, lower.values)
    for path, value in leaves(layer.values):
        if path != ("version",) and value_at(values, path) == value:
            says = next(lower.label for lower in reversed(below) if lower.says(path) is not ABSENT)
            yield _dead(layer, path, f"is {value!r} without it already ({says})")


def _neighbours(overrides: Sequence[Layer]) -> Iterator[tuple[Layer, list[Layer], list[Layer]]]:
    """Each override, the others that may lie below it for some customer, and those that always lie over it."""
    segments, groups, customers = (
        [layer for layer in overrides if layer.kind == kind] for kind in ("segment", "group", "customer")
    )
    for index, layer in enumerate(segments):
        over = [other for other in segments[index + 1 :] if other.where.items() <= layer.where.items()]
        yield layer, [other for other in segments[:index] if _may_meet(other, layer)], over
    yield from ((layer, segments, []) for layer in groups)
    yield from ((layer, [*segments, *groups], []) for layer in customers)


def _dead_in_override(
    policy: LayeredPolicy, layer: Layer, lower: list[Layer], over: list[Layer]
) -> Iterator[DeadSetting]:
    for path, value in leaves(layer.values):
        hidden_by = next((other for other in over if other.says(path) is not ABSENT), None)
        below = [book for book in reversed(policy.book) if book.says(path) is not ABSENT][:1]
        below += [other for other in lower if other.says(path) is not ABSENT]
        if hidden_by is not None:
            yield _dead(layer, path, f"never holds: {hidden_by.label} at {hidden_by.place(path)} always lies over it")
        elif value == {} or (below and all(other.says(path) == value for other in below)):
            said = " and ".join(other.label for other in below)
            yield _dead(layer, path, f"is {value!r} without it already ({said or 'it says nothing'})")


def _may_meet(one: Layer, other: Layer) -> bool:
    if one.kind == other.kind != "segment":
        return False
    return all(other.where.get(key, value) == value for key, value in one.where.items())


def _weightless(policy: LayeredPolicy, layer: Layer) -> Iterator[DeadSetting]:
    """Curves of components that weigh nothing wherever the layer holds."""
    for path, _ in leaves(layer.values):
        if path[-1] != "nodes":
            continue
        weight = (*path[:-1], "weight")
        holds = value_at(policy.base.model_dump(), weight)
        own = layer.says(weight) if layer in policy.overrides else ABSENT
        meeting = [other.says(weight) for other in policy.overrides if other is not layer and _may_meet(other, layer)]
        weights = [holds if own is ABSENT else own, *(said for said in meeting if said is not ABSENT)]
        if not any(weights):
            yield _dead(layer, path, f"{path[-2]} weighs nothing, so its curve is never used")
