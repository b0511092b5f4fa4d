"""``specs check PATH…`` and its neighbours: the command behind ``python -m specs`` and ``./manage.py specs``. No database, no server."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TextIO

from specs.diff.command import DIFF_VERBS, add_diff_arguments
from specs.errors import DocumentRefused, UsageWrong
from specs.findings import Finding
from specs.load import looks_like_openapi
from specs.report import FORMATS, DocumentReport
from specs.sandbox import compile_in_child
from specs.tree import tree_of, tree_reader

__all__ = ["UsageWrong", "add_arguments", "check_file", "run", "tree_of", "tree_reader"]

DOCUMENT_SUFFIXES = frozenset((".json", ".yaml", ".yml"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = verbs.add_parser("check", help="Is an OpenAPI document sound? Every finding with file and line; exit 1 on errors.")
    check.add_argument("paths", nargs="+", metavar="PATH", help="a document, or a folder searched for documents")
    check.add_argument("--format", choices=sorted(FORMATS), default="text", help="how findings are written (text)")
    check.add_argument(
        "--root", metavar="DIR", help="top of the tree references may stay in (the Git repository, else the document's folder)"
    )
    check.add_argument("--cross-check", action="store_true", help="ask openapi-spec-validator too, and say where it disagrees (slow)")
    add_diff_arguments(verbs)


def run(options: argparse.Namespace, out: TextIO) -> int:
    """Do what was parsed; the exit status: 0, or 1 when it was asked to fail on what it found. Raises UsageWrong."""
    return DIFF_VERBS[options.verb](options, out) if options.verb in DIFF_VERBS else run_check(options, out)


def run_check(options: argparse.Namespace, out: TextIO) -> int:
    """Check documents; 1 when one has errors."""
    root = Path(options.root).resolve() if options.root else None
    reports = [check_file(path, root=root, cross_check=options.cross_check) for path in _documents(options.paths)]
    if not reports:
        raise UsageWrong("No OpenAPI document was found: no file there says openapi: or swagger:.")
    out.write(FORMATS[options.format](reports))
    return 1 if any(report.errors() for report in reports) else 0


def _documents(paths: Sequence[str]) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if _is_document(file, path))
        elif path.is_file():
            yield path
        else:
            raise UsageWrong(f"There is no file or folder {name}.")


def _is_document(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    if hidden or file.suffix.lower() not in DOCUMENT_SUFFIXES or file.is_symlink() or not file.is_file():
        return False
    return looks_like_openapi(file.read_bytes())


def check_file(path: Path, *, root: Path | None = None, cross_check: bool = False) -> DocumentReport:
    """Check one document of the file system, behind the wall."""
    top = root or tree_of(path)
    shown = os.path.relpath(path)
    resolved = path.resolve()
    if not resolved.is_relative_to(top):
        raise UsageWrong(f"{path} does not lie below {top}.")
    read = tree_reader(top)

    def show(finding: Finding) -> Finding:
        return replace(finding, file=os.path.relpath(top / finding.file)) if finding.file else replace(finding, file=shown)

    try:
        compiled = compile_in_child(read, resolved.relative_to(top).as_posix())
    except DocumentRefused as refused:
        return DocumentReport(shown, "refused", findings=[show(finding) for finding in refused.findings])
    findings = [show(finding) for finding in compiled.findings]
    if cross_check:
        # Loaded only when asked for: it brings 50 MB and half a second of imports.
        second_opinion = import_module("specs.reference").second_opinion
        findings.extend(show(finding) for finding in second_opinion(compiled.source, compiled.findings))
    return DocumentReport(shown, "findings" if findings else "sound", compiled.openapi, len(compiled.operations), findings)
