"""A finding: one thing that is wrong, or worth knowing, about a document. Data; words are made from it at the edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "info"]
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """``rule`` is a stable id, ``pointer`` a JSON pointer (RFC 6901) into the document of ``file``.

    ``line`` and ``column`` count from 1 in the original text, in characters; ``None`` where they are not known.
    ``text`` is one sentence for a person and never carries a value of the document longer than a few words.
    """

    rule: str
    level: Level
    text: str
    pointer: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None

    def place(self) -> str:
        """``file:line:column`` with what is known of it, or the empty string."""
        numbers = "".join(f":{number}" for number in (self.line, self.column) if number is not None)
        return f"{self.file}{numbers}" if self.file else numbers.lstrip(":")

    def sentence(self) -> str:
        """The finding on one line: place, text, rule."""
        place = self.place()
        return f"{place}: {self.text} [{self.rule}]" if place else f"{self.text} [{self.rule}]"

    def as_dict(self) -> dict[str, Any]:
        """Every field, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Finding:
        """The inverse of ``as_dict``; unknown members are dropped."""
        return cls(**{name: values[name] for name in cls.__slots__ if name in values})


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then by file, line and pointer; equal findings once."""
    distinct = dict.fromkeys(findings)
    return sorted(distinct, key=lambda one: (LEVELS.index(one.level), one.file, one.line or 0, one.column or 0, one.pointer, one.rule))
