"""Is the document sound? The published meta-schema, references, operations, schemas, and what it would cost to check with.

Nearly everything is a finding: real vendor documents break their own standard. Refused is only what is no OpenAPI
document, what refers outside its tree or to nothing, and what could not be checked in bounded time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from specs.bundle import Bundled
from specs.check.operations import check_operations
from specs.check.references import check_references
from specs.check.schemas import check_defaults, check_schemas, refuse_costly
from specs.check.standard import check_standard, version_of
from specs.errors import DocumentRefused
from specs.findings import Finding, sort_findings
from specs.load import Loaded
from specs.shape import pointer_of, tokens_of
from specs.upgrade import original_tokens

__all__ = ["Checked", "check_document", "placed", "recognise", "refuse_unbounded", "refuse_unresolved"]

MAX_FINDINGS = 1000
UNRESOLVED = frozenset(("reference-dangling", "reference-circle"))
"""Findings of a document that cannot be resolved: what it means there, nobody can say."""

_VERSIONS = re.compile(r"3\.[0-2](\.\d+)?(-.+)?\Z|3\Z")


def recognise(loaded: Loaded) -> None:
    """Refuse what is no OpenAPI document of a version the engine reads: Swagger 2.0, OpenAPI 3.0, 3.1, 3.2."""

    def refuse(rule: str, text: str, pointer: str = "") -> None:
        place = loaded.places([tokens_of(pointer)])[tokens_of(pointer)]
        raise DocumentRefused([Finding(rule, "error", text, pointer, loaded.file, place.line, place.column)])

    root = loaded.value
    if not isinstance(root, dict):
        refuse("not-an-object", f"An OpenAPI document is an object; this is {_kind(root)}.")
    if "openapi" not in root and "swagger" not in root:
        refuse("version-missing", "Neither openapi nor swagger says which version this is: not an OpenAPI document.")
    name = "openapi" if "openapi" in root else "swagger"
    version = root[name]
    if isinstance(version, int | float) and not isinstance(version, bool):
        text = f"{name} is written as a number; it is read as the text '{version}'."
        loaded.findings.append(Finding("version-number", "warning", text, f"/{name}", loaded.file))
        loaded.value = root = {**root, name: str(version)}
        version = str(version)
    supported = isinstance(version, str) and (version == "2.0" if name == "swagger" else _VERSIONS.match(version) is not None)
    if not supported:
        text = f"{name} {str(version)[:40]!r} is not a version that is read: Swagger 2.0, OpenAPI 3.0, 3.1 or 3.2."
        refuse("version-unsupported", text, f"/{name}")


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", bool: "true or false", type(None): "nothing"}.get(type(value), "a number")


def refuse_unbounded(bundled: Bundled) -> None:
    """Refuse a document one of whose schemas would take unbounded work to check a message with."""
    findings = refuse_costly(bundled.document)
    if findings:
        raise DocumentRefused(placed(bundled, findings))


@dataclass(slots=True)
class Checked:
    """What was found; ``targets`` are all internal references of the upgraded document, as written."""

    bundled: Bundled
    findings: list[Finding]
    targets: set[str]

    def placed(self, more: Sequence[Finding] = ()) -> list[Finding]:
        """All findings and ``more``, sorted, with file, line and column in the original text."""
        findings = sort_findings(placed(self.bundled, [*self.findings, *more]))
        if len(findings) > MAX_FINDINGS:
            rest = len(findings) - MAX_FINDINGS
            findings[MAX_FINDINGS:] = [Finding("more-findings", "info", f"{rest} more findings are not listed.", "", self.bundled.root)]
        return findings


def placed(bundled: Bundled, findings: Sequence[Finding]) -> list[Finding]:
    """Findings whose pointer is into the bundled document, carried to the file they came from, with line and column."""
    own = [finding for finding in findings if finding.line is None and not finding.file]
    there = [finding for finding in findings if finding.line is None and finding.file in bundled.loaded]
    done = [finding for finding in findings if finding.line is not None or (finding.file and finding.file not in bundled.loaded)]
    places = bundled.places([tokens_of(finding.pointer) for finding in own])
    for finding in own:
        file, original, place = places[tokens_of(finding.pointer)]
        done.append(replace(finding, file=file, pointer=pointer_of(original), line=place.line, column=place.column))
    by_file: dict[str, list[Finding]] = {}
    for finding in there:
        by_file.setdefault(finding.file, []).append(finding)
    for file, group in by_file.items():
        found = bundled.loaded[file].places([tokens_of(finding.pointer) for finding in group])
        done.extend(
            replace(finding, line=found[tokens_of(finding.pointer)].line, column=found[tokens_of(finding.pointer)].column)
            for finding in group
        )
    return done


def refuse_unresolved(bundled: Bundled, findings: Sequence[Finding]) -> None:
    """Refuse a bundled document with a reference that leads outside it, to nothing, or only back to itself.

    What ``check_document`` refuses, without the rest of the check; ``findings`` are those of the upgrade.
    """
    references, outside, _targets = check_references(bundled.document, bundled.dangling)
    if outside:
        raise DocumentRefused(placed(bundled, outside))
    if unresolved := [finding for finding in (*bundled.findings, *findings, *references) if finding.rule in UNRESOLVED]:
        raise DocumentRefused(sort_findings(placed(bundled, unresolved))[:MAX_FINDINGS])


def check_document(bundled: Bundled, document: dict[str, Any], findings: Sequence[Finding]) -> Checked:
    """Check a bundled document; ``document`` is the same upgraded to 3.x, ``findings`` those of the upgrade.

    Raises DocumentRefused when a reference leads outside the document, to nothing, or only back to itself: with those
    first, and everything else that was found behind them.
    """
    original = bundled.document
    found = [*bundled.findings, *findings, *check_standard(original)]
    references, outside, targets = check_references(original, bundled.dangling)
    if outside:
        raise DocumentRefused(placed(bundled, outside))
    found.extend(references)
    found.extend(check_schemas(original))
    found.extend(check_defaults(original, version_of(original)))
    found.extend(
        replace(finding, pointer=pointer_of(original_tokens(original, tokens_of(finding.pointer))))
        for finding in check_operations(document)
    )
    if unresolved := [finding for finding in found if finding.rule in UNRESOLVED]:
        rest = Checked(bundled, [finding for finding in found if finding.rule not in UNRESOLVED], targets)
        raise DocumentRefused([*sort_findings(placed(bundled, unresolved)), *rest.placed()][:MAX_FINDINGS])
    if document is not original:
        _references, _outside, targets = check_references(document, set())
    return Checked(bundled, found, targets)
