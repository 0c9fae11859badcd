"""The routing tree, laid flat: which destinations an alert goes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from alerts.routing.config import Route
from alerts.routing.matchers import LABELS, all_match


@dataclass(frozen=True, slots=True)
class Destination:
    """A node of the tree with everything that it takes from the nodes above; durations in ms."""

    path: str
    receiver: str
    group_by: tuple[str, ...] = ("customer",)
    group_wait: int = 30_000
    group_interval: int = 300_000
    repeat_interval: int = 14_400_000
    repeat_factor: float = 2.0
    repeat_max: int = 7 * 86_400_000

    def group_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels that alerts of one group have in common; ``...`` groups by all, so each stands alone."""
        names = LABELS if "..." in self.group_by else self.group_by
        return {name: labels[name] for name in sorted(names) if name in labels}


def root_of(route: Route) -> Destination:
    """The destination of the root; what is not set has the defaults of ``Destination``."""
    return _inherit(Destination("0", str(route.receiver)), route, "0")


def destinations(route: Route, labels: Mapping[str, str]) -> list[Destination]:
    """Where an alert with these labels goes: the deepest nodes that match, as in Alertmanager."""
    return list(_walk(route, root_of(route), labels))


def all_destinations(route: Route) -> dict[str, Destination]:
    """Every node by its path."""
    found: dict[str, Destination] = {}
    todo = [(route, root_of(route))]
    while todo:
        node, here = todo.pop()
        found[here.path] = here
        todo += [(child, _child(here, child, index)) for index, child in enumerate(node.routes)]
    return found


def _walk(route: Route, here: Destination, labels: Mapping[str, str]) -> Iterator[Destination]:
    taken = False
    for index, child in enumerate(route.routes):
        if all_match(child.matchers, labels):
            taken = True
            yield from _walk(child, _child(here, child, index), labels)
            if not child.goes_on:
                break
    if not taken:
        yield here


def _child(parent: Destination, route: Route, index: int) -> Destination:
    return _inherit(parent, route, f"{parent.path}.{index}")


def _inherit(parent: Destination, route: Route, path: str) -> Destination:
    named: dict[str, Any] = {
        "receiver": route.receiver,
        "group_by": route.group_by,
        "group_wait": route.group_wait,
        "group_interval": route.group_interval,
        "repeat_interval": route.repeat_interval,
        "repeat_factor": route.repeat_factor,
        "repeat_max": route.repeat_max,
    }
    return replace(parent, path=path, **{name: value for name, value in named.items() if value is not None})
