"""Two documents compared, from their bytes to the changes, by ``specs.diff`` and by openapi-diff on Node."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import world
from specs.diff import Deadlines, compare, count_levels
from specs.errors import DocumentRefused
from specs.sandbox import read_in_child
from specs.tree import tree_reader

PAIRS = (
    ("GitHub 22.0.0 → 23.0.2", "github-api-22.0.0.json", "github-api-23.0.2.json"),
    ("Stripe 2022-04 → 2023-09", "stripe-2022-04-12.json", "stripe-2023-09-07.yaml"),
    ("Genesys older → 2017-09", "genesys-purecloud-platform-v2-older.json", "genesys-purecloud-platform-v2-2017-09.json"),
)
PEER = "openapi-diff"
PEER_SECONDS = 120
PEER_MEGABYTES = 2048
FOUND = "Breaking changes found"


@dataclass(frozen=True, slots=True)
class Compared:
    """One pair: seconds to read both documents and to compare them, the changes by level, and what the peer came to."""

    name: str
    reading: float
    comparing: float
    counts: dict[str, int]
    peer: str


def peer_program() -> Path | None:
    """openapi-diff, or ``None`` where it cannot be had."""
    try:
        return world.node_program(PEER, PEER)
    except world.NotMeasured:
        return None


def run_peer(program: Path, old: Path, new: Path, seconds: float) -> str | None:
    """What it printed, or ``None`` when it ran out of time or memory."""
    environment = {**os.environ, "NODE_OPTIONS": f"--max-old-space-size={PEER_MEGABYTES}"}
    try:
        done = subprocess.run([str(program), str(old), str(new)], env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout + done.stderr if done.returncode in (0, 1) else None


def measure(documents: Path, program: Path | None) -> list[Compared]:
    """Every pair whose documents are there."""
    rows = []
    for name, old, new in PAIRS:
        if not (documents / old).is_file() or not (documents / new).is_file():
            continue
        started = time.perf_counter()
        with ThreadPoolExecutor(2) as readers:
            read = list(readers.map(lambda file: read_in_child(tree_reader(documents), file), (old, new)))
        compared = time.perf_counter()
        changes = compare(read[0], read[1], Deadlines(datetime.date(2026, 1, 1)))
        ended = time.perf_counter()
        peer = "–" if program is None else peer_verdict(program, documents / old, documents / new)
        rows.append(Compared(name, compared - started, ended - compared, count_levels(changes), peer))
    return rows


def peer_verdict(program: Path, old: Path, new: Path) -> str:
    started = time.perf_counter()
    said = run_peer(program, old, new, PEER_SECONDS)
    seconds = time.perf_counter() - started
    if said is None:
        return f"gave up after {seconds:.0f} s"
    return "refuses the document" if "Validation errors" in said else f"{seconds:.1f} s"


def recall(cases: Path, program: Path | None) -> tuple[int, int, int | None] | None:
    """Of the pairs that practitioners call breaking: how many there are, how many we do, and how many the peer does."""
    if not (cases / "cases.json").is_file():
        return None
    levels = {rule: one["level"] for rule, one in json.loads((cases / "rules.json").read_text()).items()}
    listed = json.loads((cases / "cases.json").read_text())["cases"]
    pairs = sorted(
        {
            (case["base"], case["revision"])
            for case in listed
            if case["base"] != case["revision"] and any(levels.get(rule) == "ERR" for rule in case["expected_ids"])
        }
        - {(case["base"], case["revision"]) for case in listed if case["expects_none"]}
    )
    ours = sum(says_breaking(cases / old, cases / new) for old, new in pairs)
    if program is None:
        return len(pairs), ours, None
    with ThreadPoolExecutor(2) as runs:
        said = runs.map(lambda pair: run_peer(program, cases / pair[0], cases / pair[1], 30) or "", pairs)
        return len(pairs), ours, sum(FOUND in text for text in said)


def says_breaking(old: Path, new: Path) -> bool:
    try:
        documents = [read_in_child(tree_reader(path.parent), path.name) for path in (old, new)]
    except DocumentRefused:
        return False
    return any(change.level == "breaking" for change in compare(documents[0], documents[1], Deadlines(datetime.date(2026, 1, 1))))
