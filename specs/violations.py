"""What is wrong with a message, as data and in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Location = Literal["path", "query", "header", "cookie", "body", "status"]
Level = Literal["error", "warning"]
State = Literal["valid", "invalid", "unchecked"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that does not match the document.

    ``pointer`` (RFC 6901) leads into the value at ``location``: ``/limit`` in the query is the parameter ``limit``.
    ``expected`` and ``got`` are short and masked; a body is never repeated. ``schema`` points into the document.
    """

    location: Location
    pointer: str
    keyword: str
    message: str
    expected: str = ""
    got: str = ""
    schema: str = ""
    level: Level = "error"

    def as_dict(self) -> dict[str, Any]:
        """The members an error document's ``errors`` list has, and the level."""
        return {
            "location": self.location,
            "pointer": self.pointer,
            "keyword": self.keyword,
            "message": self.message,
            "expected": self.expected,
            "got": self.got,
            "schema": self.schema,
            "level": self.level,
        }


@dataclass(slots=True)
class Verdict:
    """The judgement of one message.

    ``state``: ``invalid`` with at least one violation of level ``error``; else ``unchecked`` when a part could not be
    checked, which ``notes`` says; else ``valid``. ``malformed``: the body is not what its content type says.
    """

    state: State = "valid"
    violations: list[Violation] = field(default_factory=list)
    malformed: bool = False
    notes: list[str] = field(default_factory=list)
