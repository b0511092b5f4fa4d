"""``specs check PATH…`` and its neighbours: the command behind ``python -m specs`` and ``./manage.py specs``. No database, no server."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from specs.diff.command import DIFF_VERBS, add_diff_arguments
from specs.document_command import DOCUMENT_VERBS, add_document_arguments
from specs.errors import DocumentRefused, UsageWrong
from specs.findings import Finding
from specs.lint.configuration import CONFIGURATION, ConfigurationWrong, read_configuration
from specs.lint.view import Setting
from specs.progress import tracked
from specs.report import FORMATS, DocumentReport
from specs.rules_command import RULE_VERBS, add_rule_arguments
from specs.sandbox import compile_in_child
from specs.sources import Source, sources_of
from specs.tree import tree_of, tree_reader

__all__ = ["UsageWrong", "add_arguments", "check_source", "run", "tree_of", "tree_reader"]

_CHECK_EXAMPLES = f"""\
examples:
  specs check openapi.yaml
  specs check apis/ --format sarif > findings.sarif
  specs check main:apis/crm/users/v1/openapi.yaml --format markdown
  specs check apis/ --no-lint

A name that is no file and has a colon is GITREF:path: the file, or the folder, in that commit of the repository
around the current folder. Levels of lint rules are read from {CONFIGURATION} at the top of the document's tree.

exit status: 0; 1 when a document has errors or is refused; 2 when something was asked that cannot be done.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_check_arguments(verbs)
    add_diff_arguments(verbs)
    add_document_arguments(verbs)
    add_rule_arguments(verbs)


def _add_check_arguments(verbs: Any) -> None:
    check = verbs.add_parser(
        "check",
        help="Is an OpenAPI document sound? Every finding with file and line; exit 1 on errors.",
        description="Is an OpenAPI document sound, and what could it say better? Every finding with file and line.",
        epilog=_CHECK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("paths", nargs="+", metavar="PATH", help="a document, a folder searched for documents, or GITREF:path")
    check.add_argument("--format", choices=sorted(FORMATS), default="text", help="how findings are written (text)")
    check.add_argument(
        "--root", metavar="DIR", help="top of the tree references may stay in (the Git repository, else the document's folder)"
    )
    check.add_argument("--config", metavar="FILE", help=f"levels of lint rules ({CONFIGURATION} at the top of the document's tree)")
    check.add_argument("--no-lint", action="store_true", help="only what a sync finds")
    check.add_argument("--cross-check", action="store_true", help="ask openapi-spec-validator too, and say where it disagrees (slow)")


def run(options: argparse.Namespace, out: TextIO) -> int:
    """Do what was parsed; the exit status: 0, or 1 when it was asked to fail on what it found. Raises UsageWrong."""
    return VERBS[options.verb](options, out)


def run_check(options: argparse.Namespace, out: TextIO) -> int:
    """Check documents; 1 when one has errors."""
    root = Path(options.root).resolve() if options.root else None
    sources = list(sources_of(options.paths, root))
    if not sources:
        raise UsageWrong("No OpenAPI document was found: no file there says openapi: or swagger:.")
    reports = [
        check_source(source, None if options.no_lint else _levels(options.config, source), cross_check=options.cross_check)
        for source in tracked(sources, "Checking")
    ]
    out.write(FORMATS[options.format](reports))
    return 1 if any(report.errors() for report in reports) else 0


def _levels(config: str | None, source: Source) -> dict[str, Setting]:
    """The levels of lint rules for a document. Raises UsageWrong."""
    if config is None:
        data, file = source.read(CONFIGURATION), source.shown_file(CONFIGURATION)
    else:
        file = config
        try:
            data = Path(config).read_bytes()
        except OSError as error:
            raise UsageWrong(f"{config} cannot be read: {error.strerror}.") from None
    try:
        return read_configuration(data, file) if data is not None else {}
    except (ConfigurationWrong, DocumentRefused) as error:
        raise UsageWrong("\n".join(finding.sentence() for finding in error.findings)) from None


def check_source(source: Source, lint_levels: Mapping[str, Setting] | None = None, *, cross_check: bool = False) -> DocumentReport:
    """Check one document, behind the wall; with lint when levels are given."""

    def show(finding: Finding) -> Finding:
        return replace(finding, file=source.shown_file(finding.file))

    try:
        compiled = compile_in_child(source.read, source.path, lint_levels=lint_levels)
    except DocumentRefused as refused:
        return DocumentReport(source.shown, "refused", findings=[show(finding) for finding in refused.findings])
    findings = [show(finding) for finding in compiled.findings]
    if cross_check:
        # Loaded only when asked for: it brings 50 MB and half a second of imports.
        second_opinion = import_module("specs.reference").second_opinion
        findings.extend(show(finding) for finding in second_opinion(compiled.source, compiled.findings))
    return DocumentReport(source.shown, "findings" if findings else "sound", compiled.openapi, len(compiled.operations), findings)


VERBS: dict[str, Callable[[argparse.Namespace, TextIO], int]] = {"check": run_check, **DIFF_VERBS, **DOCUMENT_VERBS, **RULE_VERBS}
"""Verb → what does it."""
