"""Check an export: with a file of checkpoints, nothing else of ours is needed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from models.audit_chain import Broken, ChainCheck, SealedEntry, read_head
from models.merkle import leaf_hash, verify_inclusion
from schemas.audit import AuditCheckpoint
from schemas.errors import InvalidInput
from streams.audit.export_file import Header, ProvenLine, UnreadableLine, WholeLine, parsed, reading
from streams.audit.outcome import Outcome
from streams.audit.verify import Advance

_TELL_EVERY = 500


def verify_file(path: Path, checkpoints: Sequence[AuditCheckpoint] | None, advance: Advance) -> Outcome:
    """Check an export of either scope; raises ``InvalidInput`` for what is none, or when checkpoints are needed."""
    with reading(path) as (header, lines):
        if header.scope == "all":
            return _Whole(header, checkpoints or ()).run(lines, advance)
        if checkpoints is None:
            message = "the export of a customer is checked against published checkpoints: give --checkpoints FILE"
            raise InvalidInput("checkpoints", message, field="checkpoints")
        return _Proven(header, checkpoints).run(lines, advance)


class _Whole:
    """All entries: the chain of each partition as in the archive."""

    def __init__(self, header: Header, checkpoints: Sequence[AuditCheckpoint]) -> None:
        self._counts = {int(partition): count for partition, count in header.entries.items()}
        self._outcome = Outcome()
        self._broken: dict[int, Broken] = {}
        self._checks: dict[int, ChainCheck] = {}
        for partition, count in self._counts.items():
            within = [c for c in checkpoints if c.tree_size <= count]
            self._checks[partition] = ChainCheck(partition, within)
        for c in checkpoints:
            if c.tree_size > self._counts.get(c.partition, 0):
                note = f"partition {c.partition}: the file does not reach to the checkpoint of {c.tree_size} entries"
                self._outcome.notes.append(note)
        if not checkpoints:
            self._outcome.notes.append("not compared with any checkpoint: entries could have been sealed anew")

    def run(self, lines: Iterator[bytes], advance: Advance) -> Outcome:
        total = sum(self._counts.values())
        try:
            for done, raw in enumerate(lines, start=1):
                self._take(parsed(raw, WholeLine))
                if done % _TELL_EVERY == 0:
                    advance(done, total)
        except UnreadableLine as error:
            unfinished = (check for number, check in self._checks.items() if check.next < self._counts[number])
            check = next(unfinished, None)
            partition, sequence = error.place or ((check.partition, check.next) if check else (0, 0))
            self._note(Broken(partition, sequence, f"its line in the file cannot be read: {error}"))
        for number, check in self._checks.items():
            if check.next != self._counts[number]:
                what = f"the file says that it holds {self._counts[number]} entries of this partition"
                self._note(Broken(number, check.next, f"{what}: here it has another one, or none"))
            self._outcome.add(check)
        self._outcome.broken += [self._broken[number] for number in sorted(self._broken)]
        return self._outcome

    def _take(self, line: WholeLine) -> None:
        check = self._checks.get(line.partition)
        if check is None:
            self._note(Broken(line.partition, line.sequence, "the file's header knows no such partition", _entry(line)))
        elif line.partition not in self._broken:
            try:
                check.take(_entry(line))
            except Broken as broken:
                self._note(broken)

    def _note(self, broken: Broken) -> None:
        self._broken.setdefault(broken.partition, broken)


def _entry(line: WholeLine) -> SealedEntry:
    return SealedEntry(line.partition, line.sequence, line.previous_hash, line.hash, line.leaf, line.record)


class _Proven:
    """One customer's entries: each has its place in a tree whose root was published."""

    def __init__(self, header: Header, checkpoints: Sequence[AuditCheckpoint]) -> None:
        self._customer, self._counts = header.customer, header.entries
        self._roots = {(c.partition, c.tree_size): bytes.fromhex(c.root) for c in checkpoints}
        self._at = (-1, -1)
        self._last: dict[str, int] = {}
        self._found: Counter[int] = Counter()

    def run(self, lines: Iterator[bytes], advance: Advance) -> Outcome:
        outcome, total, trees = Outcome(), sum(self._counts.values()), set[tuple[int, int]]()
        try:
            for done, raw in enumerate(lines, start=1):
                line = parsed(raw, ProvenLine)
                self._take(line)
                self._found[line.partition] += 1
                trees.add((line.partition, line.tree_size))
                if done % _TELL_EVERY == 0:
                    advance(done, total)
            self._compare_counts()
        except UnreadableLine as error:
            partition, sequence = error.place or (max(self._at[0], 0), self._at[1] + 1)
            outcome.broken.append(Broken(partition, sequence, f"its line in the file cannot be read: {error}"))
        except Broken as broken:
            outcome.broken.append(broken)
        for partition, count in sorted(self._found.items()):
            sizes = sum(place == partition for place, _ in trees)
            outcome.partitions.append({"partition": partition, "entries": count, "checkpoints": sizes})
        return outcome

    def _compare_counts(self) -> None:
        for partition, count in self._counts.items():
            if self._found[int(partition)] != count:
                what = f"the file says that it holds {count} entries of this partition, there are"
                raise Broken(int(partition), max(self._at[1], 0), f"{what} {self._found[int(partition)]}")

    def _take(self, line: ProvenLine) -> None:
        entry = SealedEntry(line.partition, line.sequence, "", "", "", line.record)

        def broken(what: str) -> Broken:
            return Broken(line.partition, line.sequence, what, entry)

        if (line.partition, line.sequence) <= self._at:
            raise broken("it stands there more than once, or out of order")
        root = self._roots.get((line.partition, line.tree_size))
        if root is None:
            raise broken(f"no checkpoint of {line.tree_size} entries of this partition is among those given")
        record = line.record.encode("utf-8", "surrogatepass")
        try:
            proof = [bytes.fromhex(node) for node in line.proof]
            if [node.hex() for node in proof] != line.proof:
                raise ValueError("hashes are written in lower-case hex")
            head = read_head(record)
        except (ValueError, InvalidInput) as error:
            raise broken(f"its record or proof cannot be read: {error}") from error
        if not verify_inclusion(leaf_hash(record), line.sequence, line.tree_size, proof, root):
            raise broken("record and proof do not lead to the published root: this is not what was sealed here")
        if (head.partition, head.customer) != (line.partition, self._customer):
            raise broken(f"it is an entry of {head.customer}, not of {self._customer}")
        self._compare_sequence(json.loads(record), broken)
        self._at = (line.partition, line.sequence)

    def _compare_sequence(self, record: dict[str, Any], broken: Any) -> None:
        """Decisions of a type are counted per customer: one that was left out leaves a gap."""
        if record.get("out") is None:
            return
        type_, number = record["type"], int(record["out"]["sequence"])
        before = self._last.get(type_)
        if before is not None and number != before + 1:
            raise broken(f"between it and the one before, {number - before - 1} decisions of its type were left out")
        self._last[type_] = number
