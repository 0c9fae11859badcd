"""Stories for the tables of conformance: what happens and who is told, each as one line of text.

``0s C1 WATCH owner=ann; 20s C1 eased STANDARD; 30s ack C1; 40s restart; 1m silence s1 customer=C1 1m..1h; 5m unsilence
s1`` happens; ``30s desk C1:new C2:new; 5m30s desk repeat C1:standing`` is told. Times count from the beginning.
"""

from __future__ import annotations

from alerts.routing.config import Routing
from alerts.routing.durations import duration_ms, duration_text
from alerts.routing.inputs import Acknowledged, SilenceGone, SilenceSet
from alerts.routing.state import Silence
from tests.unit.alerts.routing.build import T0, Driver, eased, seen

_STEP_SECONDS = 10


class Story:
    """Plays steps on an engine; each customer begins at STANDARD."""

    def __init__(self, rules: Routing) -> None:
        self.driver = Driver(rules)
        self._levels: dict[str, str] = {}

    def play(self, steps: str, until: str) -> Story:
        """All of it, and then time passes."""
        for step in filter(None, map(str.strip, steps.split(";"))):
            at, *words = step.split()
            self.driver.run(_seconds(at), step=_STEP_SECONDS)
            self._do(words)
        self.driver.run(_seconds(until), step=_STEP_SECONDS)
        return self

    @property
    def told(self) -> str:
        """Everything that was told, in order."""
        return "; ".join(f"{duration_text(at * 1000)} {receiver} {items}" for at, receiver, items in self.driver.log)

    def _do(self, words: list[str]) -> None:
        what, *rest = words
        if what == "ack":
            for alert in self.driver.engine.state.alerts.values():
                if alert.customer == rest[0]:
                    self.driver.take(Acknowledged(alert.key, alert.worsened, "ben"))
        elif what == "silence":
            starts, _, ends = rest[-1].partition("..")
            silence = Silence(rest[0], rest[1:-1], "ann", "stocktaking", _at(starts), _at(ends))
            self.driver.take(SilenceSet(silence))
        elif what == "unsilence":
            self.driver.take(SilenceGone(rest[0]))
        elif what == "restart":
            self.driver.restart()
        else:
            self._customer(what, rest)

    def _customer(self, name: str, rest: list[str]) -> None:
        before = self._levels.get(name, "STANDARD")
        if rest[0] == "eased":
            self._levels[name] = rest[1]
            self.driver.take(eased(name, rest[1], before))
            return
        given = dict(word.split("=") for word in rest[1:])
        stake, cause = int(given.pop("stake", "0")), given.pop("cause", "AGEING")
        self._levels[name] = rest[0]
        self.driver.take(seen(name, rest[0], before, cause=cause, stake=stake, **given))


def _seconds(text: str) -> int:
    return 0 if text == "0s" else duration_ms(text) // 1000


def _at(text: str) -> int:
    return T0 + _seconds(text) * 1000
