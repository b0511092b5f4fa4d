"""The findings of several documents as text, JSON, Markdown, JUnit or SARIF."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote
from xml.etree import ElementTree

from specs import ENGINE_VERSION
from specs.check.rules import RULES
from specs.findings import LEVELS, Finding
from specs.lint.registry import LINT_SUMMARIES

Verdict = Literal["sound", "findings", "refused"]
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN = re.compile(r"[\\`*_{}\[\]#|~@]")
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """One document: its path as shown, what became of it, and its findings with paths as shown."""

    path: str
    verdict: Verdict
    openapi: str = ""
    operations: int = 0
    findings: list[Finding] = field(default_factory=list)

    def errors(self) -> list[Finding]:
        """The findings that make the check fail."""
        return [finding for finding in self.findings if finding.level == "error"]


def count_levels(reports: Sequence[DocumentReport]) -> dict[str, int]:
    """level → number of findings."""
    counted = Counter(finding.level for report in reports for finding in report.findings)
    return {level: counted[level] for level in LEVELS}


def as_text(reports: Sequence[DocumentReport]) -> str:
    """One line for each finding, ``file:line:column: level: text [rule]``, and a summary."""
    lines = [
        f"{finding.place() or report.path}: {finding.level}: {finding.text} [{finding.rule}]"
        for report in reports
        for finding in report.findings
    ]
    for report in reports:
        told = {"sound": "sound", "findings": "can be published, with findings", "refused": "refused"}[report.verdict]
        size = f", {report.operations} operations" if report.verdict != "refused" else ""
        lines.append(f"{report.path}: {told}{size}")
    counts = count_levels(reports)
    summary = ", ".join(f"{number} {level}{'' if number == 1 or level == 'info' else 's'}" for level, number in counts.items())
    return "\n".join([*lines, f"{len(reports)} document{'' if len(reports) == 1 else 's'}: {summary}"]) + "\n"


def as_markdown(reports: Sequence[DocumentReport]) -> str:
    """A table of documents, and a table of findings for each that has some; what a pull request can show."""
    lines = ["| document | verdict | errors | warnings | info |", "|---|---|---|---|---|"]
    for report in reports:
        counts = count_levels([report])
        lines.append(f"| {_cell(report.path)} | {report.verdict} | {' | '.join(str(counts[level]) for level in LEVELS)} |")
    for report in reports:
        if report.findings:
            lines += ["", f"### {_cell(report.path)}", "", "| level | where | what | rule |", "|---|---|---|---|"]
            lines += [
                f"| {finding.level} | {_cell(finding.place() or report.path)} | {_cell(finding.text)} | `{finding.rule}` |"
                for finding in report.findings
            ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text in a cell of a Markdown table, as it is: no markup, no link, no line break."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")


def as_json(reports: Sequence[DocumentReport]) -> str:
    """``{documents: [{path, verdict, openapi, operations, findings: […]}], error, warning, info}``."""
    documents = [
        {
            "path": report.path,
            "verdict": report.verdict,
            "openapi": report.openapi,
            "operations": report.operations,
            "findings": [finding.as_dict() for finding in report.findings],
        }
        for report in reports
    ]
    return json.dumps({"documents": documents, **count_levels(reports)}, indent=2, ensure_ascii=False) + "\n"


def as_junit(reports: Sequence[DocumentReport]) -> str:
    """One suite for each document; every error is a failed case, a document without errors is one passed case."""
    root = ElementTree.Element("testsuites", name="specs check")
    for report in reports:
        errors = report.errors()
        suite = ElementTree.SubElement(root, "testsuite", name=_xml(report.path))
        suite.set("tests", str(max(len(errors), 1)))
        suite.set("failures", str(len(errors)))
        for finding in errors:
            case = ElementTree.SubElement(suite, "testcase", classname=_xml(report.path), name=_xml(f"{finding.rule} {finding.place()}"))
            failure = ElementTree.SubElement(case, "failure", type=finding.rule, message=_xml(finding.text))
            failure.text = _xml(finding.sentence())
        if not errors:
            ElementTree.SubElement(suite, "testcase", classname=_xml(report.path), name="specs check")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def as_sarif(reports: Sequence[DocumentReport]) -> str:
    """SARIF 2.1.0, as code hosts read it."""
    findings = [finding for report in reports for finding in report.findings]
    named = sorted({finding.rule for finding in findings})
    driver = {
        "name": "specs check",
        "version": ENGINE_VERSION,
        "rules": [{"id": rule, "shortDescription": {"text": {**RULES, **LINT_SUMMARIES}.get(rule, rule)}} for rule in named],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, named.index(finding.rule)) for finding in findings],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_result(finding: Finding, rule_index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file)}}
    if finding.line is not None:
        place["region"] = {"startLine": finding.line, **({"startColumn": finding.column} if finding.column is not None else {})}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": _SARIF_LEVELS[finding.level],
        "message": {"text": finding.text},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": finding.pointer or "/", "kind": "member"}]}],
    }


FORMATS: dict[str, Callable[[Sequence[DocumentReport]], str]] = {
    "text": as_text,
    "json": as_json,
    "markdown": as_markdown,
    "junit": as_junit,
    "sarif": as_sarif,
}
"""Name of the format → its writer."""
