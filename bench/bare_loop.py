"""The engine fed from memory, without Kafka, in a process of its own: decode, apply, encode what comes out.

``python -m bench.bare_loop ENTRIES [--profile]`` prints one JSON object; its ``sha256`` is over all decisions and
final accounts, so two versions of the heart can be compared bit by bit.
"""

from __future__ import annotations

import cProfile
import hashlib
import json
import pstats
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.entries import Entry, load
from bench.figures import percentile
from models.account import encode
from models.engine import CreditEngine, MemoryAccounts
from models.policy import default_policy_text
from schemas.log import LOG_ENTRY


def run(entries: Sequence[Entry]) -> tuple[dict[str, Any], list[bytes]]:
    """Fold the entries; the figures, and all accounts encoded."""
    accounts = [MemoryAccounts() for _ in range(max(entry.partition for entry in entries) + 1)]
    engines = [CreditEngine(each, default_policy_text()) for each in accounts]
    out: list[bytes] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for entry in entries:
        effects = engines[entry.partition].apply(entry.offset, LOG_ENTRY.validate_json(entry.raw))
        out += [event.model_dump_json().encode() for event in effects.out]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    digest = hashlib.sha256(b"\n".join(out))
    states = [encode(account) for each in accounts for account in each.by_id.values()]
    for state in states:
        digest.update(state)
    sizes = [len(state) for state in states]
    figures = {
        "events": len(entries),
        "seconds": wall,
        "events_per_s": len(entries) / wall,
        "cpu_us_per_event": cpu / len(entries) * 1e6,
        "decisions": len(out),
        "customers": len(states),
        "state_bytes": {"median": percentile(sizes, 0.5), "p90": percentile(sizes, 0.9), "max": max(sizes)},
        "sha256": digest.hexdigest(),
    }
    return figures, states


def heart(entries: Sequence[Entry]) -> dict[str, Any]:
    """Microseconds of the heart alone per entry (ticks included): entries are decoded before, nothing is encoded."""
    decoded = [(entry.partition, entry.offset, LOG_ENTRY.validate_json(entry.raw)) for entry in entries]
    engines = [CreditEngine(MemoryAccounts(), default_policy_text()) for _ in range(max(e[0] for e in decoded) + 1)]
    wall, cpu = time.perf_counter(), time.process_time()
    for partition, offset, entry in decoded:
        engines[partition].apply(offset, entry)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    count = len(decoded)
    return {"events": count, "us_per_event": wall / count * 1e6, "cpu_us_per_event": cpu / count * 1e6}


def main(arguments: list[str]) -> None:
    """Command line: file of entries, and where accounts go (``--states FILE``), ``--heart``, ``--profile``."""
    entries = load(Path(arguments[0]))
    if "--heart" in arguments:
        print(json.dumps(heart(entries)))
        return
    profile = cProfile.Profile() if "--profile" in arguments else None
    if profile:
        profile.enable()
    figures, states = run(entries)
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    if "--states" in arguments:
        Path(arguments[arguments.index("--states") + 1]).write_bytes(msgspec.msgpack.encode(states))
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
