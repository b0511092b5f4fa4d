"""What the engine refuses. The engine is a library: it has its own small tree and imports no room."""

from __future__ import annotations

from collections.abc import Sequence

from specs.findings import Finding


class SpecsError(Exception):
    """Base of every error the engine means to raise."""


class DocumentRefused(SpecsError):
    """The document cannot be parsed, resolved inside its own tree, or bounded.

    ``findings`` says why, each with file, line and column where they are known; at least one has level ``error``.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        super().__init__("; ".join(finding.sentence() for finding in self.findings[:3]) or "The document was refused.")


class PointerMissing(SpecsError):
    """A JSON pointer (RFC 6901) leads nowhere. The text names the pointer, never the document."""


class UsageWrong(SpecsError):
    """What was asked of the command cannot be done; the text says what to change."""
