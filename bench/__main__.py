"""``python -m bench``: the benchmarks, each printing ratios measured in one run. ``make bench`` runs all of them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from bench import checking, compiling, differing, world
from bench.load import Figures, Request, run

DOCUMENTS = world.ROOT.parent / "shared" / "data" / "documents"
GITHUB = "github-api-23.0.2.json"
ISSUE = json.dumps({"title": "Found a bug", "body": "Steps to follow.", "labels": ["bug"], "assignees": ["octocat"]}).encode()
REQUESTS = (
    Request("POST issue", "POST", "/repos/octocat/hello-world/issues", 201, ISSUE, {"Content-Type": "application/json"}),
    Request("GET 23 issues (150 KB)", "GET", "/repos/octocat/hello-world/issues?per_page=23", 200),
    Request("GET 100 issues (660 KB)", "GET", "/repos/octocat/hello-world/issues", 200),
)
CONNECTIONS = (1, 8)


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    print(f"\n### {title}\n")
    for number, row in enumerate([head, ["-" * width for width in widths], *rows]):
        cells = [
            cell.ljust(width) if column == 0 or number == 1 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print(f"| {' | '.join(cells)} |")


def measured(base: str, seconds: float, headers: dict[str, str] | None = None) -> dict[tuple[str, int], Figures]:
    """All requests at all connection counts against ``base``."""
    return {
        (request.name, connections): asyncio.run(run(base, request, connections=connections, seconds=seconds, headers=headers))
        for request in REQUESTS
        for connections in CONNECTIONS
    }


def compare_gateways(document: Path, seconds: float) -> None:
    """The same requests, straight to the upstream, through the portal's gateway, and through Prism."""
    with world.upstream(document) as port:
        direct = measured(f"http://127.0.0.1:{port}", seconds)
        with world.portal(document, port) as portal:
            ours = measured(f"{portal.base}/gateway/staging/github-rest-v3", seconds, {"Authorization": f"Bearer {portal.key}"})
        peer: dict[tuple[str, int], Figures] = {}
        note = ""
        try:
            with world.prism(document, port) as (base, started):
                peer = measured(base, seconds)
                note = f"Prism took {started:.1f} s to start."
        except world.NotMeasured as reason:
            note = f"{reason}."
    rows = []
    for (name, connections), straight in direct.items():
        through, other = ours[name, connections], peer.get((name, connections))
        rows.append([f"{name}, {connections} conn.", *(f"{one.p50:.1f} / {one.p99:.1f}" if one else "–" for one in (straight, through, other)),
                     f"+{through.p50 - straight.p50:.1f}", *(f"{one.per_second:.0f}" if one else "–" for one in (straight, through, other)),
                     f"{other.p50 / through.p50:.0f} ×" if other else "–"])  # fmt: skip
    head = [
        "request",
        "direct p50/p99 ms",
        "portal",
        "Prism",
        "portal over direct ms",
        "direct req/s",
        "portal",
        "Prism",
        "Prism / portal p50",
    ]
    table("A validated call on GitHub's document", head, rows)
    print(f"\n{note}")


def compare_checks(document: Path, seconds: float) -> None:
    """One message checked, by our plans and by openapi-core."""
    with world.upstream(document) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", REQUESTS[1].path)
            answer = connection.getresponse().read()
    rows = [
        [f"{one.what} ({size} KB)", f"{one.ours_warm:.3f}", f"{one.theirs_warm:.2f}", f"{one.theirs_warm / one.ours_warm:.0f} ×",
         f"{one.ours_cold:.1f}", f"{one.theirs_cold:.0f}", f"{one.theirs_cold / one.ours_cold:.0f} ×"]
        for one, size in zip(checking.measure(document, answer, seconds=seconds), (len(checking.ISSUE) // 1000 or 1, len(answer) // 1000), strict=True)
    ]  # fmt: skip
    table("Checking one message", ["message", "portal warm ms", "openapi-core", "ratio", "portal cold ms", "openapi-core", "ratio"], rows)


def measure_compiling(documents: Path) -> None:
    """From the bytes in Git to a document that can be served."""
    rows = []
    for name in compiling.DOCUMENTS:
        if (documents / name).is_file():
            one = compiling.measure(documents / name)
            rows.append([one.name, f"{one.megabytes:.1f}", f"{one.operations:,}", str(one.findings), f"{one.seconds:.1f}", f"{one.peak:.0f}",
                         f"{one.megabytes / one.seconds:.1f}"])  # fmt: skip
    table("Making a document ready at sync", ["document", "MB", "operations", "findings", "s", "peak MB", "MB/s"], rows)


def compare_differences(documents: Path) -> None:
    """What changed between two documents, by us and by openapi-diff."""
    program = differing.peer_program()
    rows = [
        [
            one.name,
            f"{one.reading:.1f}",
            f"{one.comparing:.1f}",
            *(f"{one.counts[level]:,}" for level in ("breaking", "warning", "info")),
            one.peer,
        ]
        for one in differing.measure(documents, program)
    ]
    table("Comparing two documents", ["documents", "reading s", "comparing s", "breaking", "warning", "info", differing.PEER], rows)
    found = differing.recall(documents.parent / "diff-cases", program)
    if found is not None:
        pairs, ours, theirs = found
        peer = f"{theirs} ({theirs / pairs:.0%})" if theirs is not None else "– (no Node)"
        rows = [[f"{pairs} pairs that oasdiff's tests call breaking", f"{ours} ({ours / pairs:.0%})", peer]]
        table("Breaking changes found", ["documents", "portal", differing.PEER], rows)
        print("\nWhat is left is named in docs/diff.md: there oasdiff's own test asserts that nothing is found.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--documents", type=Path, default=DOCUMENTS, help="directory of the real documents")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load runs (default 5)")
    parser.add_argument("--only", choices=["gateway", "checks", "sync", "diff"], help="one part only")
    options = parser.parse_args()
    document = options.documents / GITHUB
    if not document.is_file():
        print(f"The real documents are not at {options.documents}; nothing is measured without them.")
        return 0
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}; loads of {options.seconds:g} s.")
    parts: dict[str, Callable[[], None]] = {
        "gateway": lambda: compare_gateways(document, options.seconds),
        "checks": lambda: compare_checks(document, options.seconds / 2),
        "sync": lambda: measure_compiling(options.documents),
        "diff": lambda: compare_differences(options.documents),
    }
    for name, part in parts.items():
        if options.only in {None, name}:
            part()
    return 0


if __name__ == "__main__":
    sys.exit(main())
