"""Small documents for tests, and ways to compile them without and with the wall."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from specs.compiler import CompiledDocument, compile_document
from specs.errors import DocumentRefused
from specs.findings import Finding


def reader(files: Mapping[str, str | bytes | dict[str, Any]]) -> Callable[[str], bytes | None]:
    """Serves files by path: text, bytes, or an object written as JSON."""

    def read(path: str) -> bytes | None:
        content = files.get(path)
        if isinstance(content, dict):
            return json.dumps(content).encode()
        return content.encode() if isinstance(content, str) else content

    return read


def compiled(document: dict[str, Any] | str, **files: str | dict[str, Any]) -> CompiledDocument:
    """The document compiled in this process; a text is YAML."""
    root = "openapi.json" if isinstance(document, dict) else "openapi.yaml"
    return compile_document(reader({root: document, **files}), root)


def refused(document: dict[str, Any] | str, **files: str | dict[str, Any]) -> list[Finding]:
    """Why the document is refused. Fails when it is not."""
    with pytest.raises(DocumentRefused) as caught:
        compiled(document, **files)
    return caught.value.findings


def openapi(version: str = "3.0.3", **members: Any) -> dict[str, Any]:
    """A sound, empty document with more members."""
    return {"openapi": version, "info": {"title": "T", "version": "1"}, "paths": {}, **members}


def operation(**members: Any) -> dict[str, Any]:
    """A sound operation with more members."""
    return {"responses": {"200": {"description": "done"}}, **members}


def rules(findings: list[Finding], level: str | None = None) -> list[str]:
    """The rules of the findings, sorted, of one level or of all."""
    return sorted(finding.rule for finding in findings if level in (None, finding.level))
