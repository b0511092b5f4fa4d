"""``specs diff OLD NEW``: what a repository of documents runs in its own CI."""

from __future__ import annotations

import argparse
import datetime
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

from specs.diff.comparison import compare
from specs.diff.lifecycle import Deadlines
from specs.diff.policy import FILE_NAME, Policy, apply, read_policy
from specs.diff.registry import LEVELS
from specs.diff.report import FORMATS, Comparison
from specs.errors import DocumentRefused, UsageWrong
from specs.findings import Finding
from specs.sandbox import read_in_child
from specs.sources import Source, source_of

NEVER = "none"
_EXAMPLES = """\
examples:
  specs diff old.yaml new.yaml
  specs diff main:crm/users/v1/openapi.yaml crm/users/v1/openapi.yaml --fail-on breaking
  specs diff v1.4.0:openapi.json HEAD:openapi.json --format markdown

A name that is no file and has a colon is GITREF:path: the file in that commit of the repository around the
current folder. References are followed inside the same folder of files, or the same commit, only.
Levels and accepted changes are read from .portal-diff.yaml at the top of the new document's tree.

exit status: 0; 1 when a change has the level of --fail-on or a worse one; 2 when something cannot be read.
"""


def add_diff_arguments(verbs: Any) -> None:
    """The verb ``diff``."""
    diff = verbs.add_parser(
        "diff",
        help="What changed between two documents, and who would notice?",
        description="What changed between two OpenAPI documents, and who would notice?",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    diff.add_argument("old", metavar="OLD", help="a document, or GITREF:path")
    diff.add_argument("new", metavar="NEW", help="a document, or GITREF:path")
    diff.add_argument("--fail-on", choices=(*LEVELS, NEVER), default=NEVER, help="exit with 1 on changes of this level or worse (none)")
    diff.add_argument("--format", choices=sorted(FORMATS), default="text", help="how changes are written (text)")
    diff.add_argument("--config", metavar="FILE", help=f"levels and accepted changes ({FILE_NAME} at the top of the new document's tree)")


def run_diff(options: argparse.Namespace, out: TextIO) -> int:
    """Compare two documents. Raises UsageWrong."""
    old, new = source_of(options.old), source_of(options.new)
    policy = _policy(options.config, new)
    with ThreadPoolExecutor(max_workers=2) as readers:
        documents = list(readers.map(_read, (old, new)))
    today = datetime.datetime.now(datetime.UTC).date()
    changes = compare(documents[0], documents[1], Deadlines(today, policy.days))
    comparison = Comparison(old.shown, new.shown, new.path, apply(policy, changes, today))
    out.write(FORMATS[options.format](comparison))
    if options.fail_on == NEVER:
        return 0
    failing = LEVELS[: LEVELS.index(options.fail_on) + 1]
    return 1 if any(change.level in failing for change in comparison.changes) else 0


def _read(source: Source) -> dict[str, Any]:
    try:
        return read_in_child(source.read, source.path)
    except DocumentRefused as refused:
        findings = "\n".join(f"  {_placed(finding)}" for finding in refused.findings[:50])
        raise UsageWrong(f"{source.shown} cannot be compared:\n{findings}") from None


def _placed(finding: Finding) -> str:
    return f"{finding.level}: {finding.sentence()}"


def _policy(config: str | None, new: Source) -> Policy:
    if config is None:
        data = new.read(FILE_NAME)
        return read_policy(data, FILE_NAME) if data is not None else Policy()
    try:
        return read_policy(Path(config).read_bytes(), os.path.relpath(config))
    except OSError as error:
        raise UsageWrong(f"{config} cannot be read: {error.strerror}.") from None


DIFF_VERBS: dict[str, Callable[[argparse.Namespace, TextIO], int]] = {"diff": run_diff}
"""Verb → what does it."""
