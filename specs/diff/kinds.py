"""Types of values and how two sets of them stand to each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from specs.diff.views import View

Relation = Literal["equal", "generalized", "specialized", "changed"]
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_WIDEST = frozenset(("int64", "double"))
"""What a number without a format is taken for: naming it changes nothing."""
SCALARS = frozenset(("boolean", "integer", "number", "string"))


@dataclass(frozen=True, slots=True)
class Kind:
    """The types a schema lets through, without null; ``None`` is all. ``format`` narrows the scalar ones."""

    types: frozenset[str] | None
    format: str = ""

    @classmethod
    def of(cls, view: View) -> Kind:
        """Read from a schema."""
        form = view.get("format")
        return cls(view.types, form if isinstance(form, str) and form not in _WIDEST else "")

    def words(self) -> str:
        """For a sentence: ``string (date-time)``, ``integer or string``, ``any type``."""
        names = " or ".join(sorted(self.types)) if self.types is not None else "any type"
        return f"{names} ({self.format if _PLAIN.fullmatch(self.format) else 'of a format'})" if self.format else names

    def bare_string(self) -> bool:
        """Whether any text fits."""
        return self.types is None or ("string" in self.types and not self.format)

    def covers(self, other: Kind) -> bool:
        """Whether everything that fits ``other`` fits this."""
        if self.types is None:
            return not self.format or self.format == other.format
        if other.types is None or not all(name in self.types or (name == "integer" and "number" in self.types) for name in other.types):
            return False
        return not self.format or self.format == other.format


def relation(old: Kind, new: Kind) -> Relation:
    """How the new types stand to the old ones."""
    wider, narrower = new.covers(old), old.covers(new)
    if wider and narrower:
        return "equal"
    return "generalized" if wider else "specialized" if narrower else "changed"
