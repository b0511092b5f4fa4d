"""What a comparison collects: differences at their places, and pairs of schemas that belong to places."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from specs.diff.differences import Difference
from specs.diff.occurrence import Occurrence, Place
from specs.diff.pairs import Pair, Pairs


@dataclass(slots=True)
class Collected:
    """``roots``: the pairs of schemas of message parts; ``occurrences``: everything that is not about a schema."""

    pairs: Pairs
    roots: list[tuple[Place, Pair]] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)

    def note(self, place: Place, kind: str, old: Any = None, new: Any = None, name: str = "", *, ending: str = "") -> None:
        """A difference at a place."""
        self.occurrences.append(Occurrence(place, Difference(kind, old, new, name), kind, ending=ending))

    def schemas(self, place: Place, old: Any, new: Any) -> None:
        """Two schemas of the same part of a message."""
        pair = self.pairs.pair(old, new)
        if pair is not None:
            self.roots.append((place, pair))

    def contents(self, place: Place, old: dict[str, Any], new: dict[str, Any], names: list[tuple[str, str]]) -> None:
        """The schemas of media types that stand for one another; each pair once, however many media types share it."""
        groups: dict[int, tuple[Pair, list[str]]] = {}
        for before, after in names:
            one, other = _schema_of(old[before]), _schema_of(new[after])
            if one is None or other is None:
                if (one is None) != (other is None):
                    kind = "media-type-schema-added" if one is None else "media-type-schema-removed"
                    self.note(place, kind, before, after, after)
                continue
            pair = self.pairs.pair(one, other)
            if pair is not None:
                groups.setdefault(id(pair), (pair, []))[1].append(after)
        for pair, media_types in groups.values():
            named = f"{place.location}[{media_types[0]}]" if len(names) > len(media_types) else place.location
            loose = all(is_text(one) for one in media_types)
            self.roots.append((replace(place, location=named, loose=loose), pair))


def is_text(media_type: str) -> bool:
    """Whether values are text on the wire, whatever type the schema names: forms, XML, plain text."""
    base = media_type.partition(";")[0].strip().lower()
    return base.startswith("text/") or base.endswith(("/xml", "+xml", "/x-www-form-urlencoded")) or base == "multipart/form-data"


def _schema_of(media: Any) -> Any:
    schema = media.get("schema") if isinstance(media, dict) else None
    return schema if isinstance(schema, dict | bool) else None
