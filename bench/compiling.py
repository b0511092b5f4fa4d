"""Time and peak memory of making one document ready, in the child process the sync uses: ``python -m bench.compiling FILE``."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from specs.errors import DocumentRefused
from specs.sandbox import compile_in_child

DOCUMENTS = (
    "genesys-purecloud-platform-v2-2017-09.json",
    "genesys-purecloud-platform-v2-older.json",
    "github-api-22.0.0.json",
    "github-api-23.0.2.json",
    "stripe-2022-04-12.json",
    "stripe-2023-09-07.yaml",
    "amazon-connect.json",
    "slack.json",
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One document: its size, what it holds, seconds from bytes to ready, peak of the child in megabytes."""

    name: str
    megabytes: float
    operations: int
    findings: int
    seconds: float
    peak: float


def measure(path: Path) -> Compiled:
    """Compile ``path`` in a process of its own, so that the peak is that document's."""
    done = subprocess.run([sys.executable, "-m", "bench.compiling", str(path)], capture_output=True, text=True, timeout=300, check=True)
    return Compiled(**json.loads(done.stdout))


def main() -> None:
    path = Path(sys.argv[1])
    data = path.read_bytes()
    started = time.perf_counter()
    try:
        document = compile_in_child(lambda name: data if name == path.name else None, path.name)
        operations, findings = len(document.operations), len(document.findings)
    except DocumentRefused as refused:
        operations, findings = 0, len(refused.findings)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    measured = {"name": path.name, "megabytes": len(data) / 1e6, "operations": operations, "findings": findings}
    print(json.dumps(measured | {"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main()
