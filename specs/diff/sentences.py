"""The sentence of a change, made when it is read."""

from __future__ import annotations

from typing import Any

from specs.diff.differences import Lifecycle, Member
from specs.diff.keywords import canonical
from specs.diff.kinds import Kind
from specs.diff.occurrence import Occurrence
from specs.diff.phrases import PHRASES
from specs.diff.words import cut

MAX_LISTED = 8


def sentence(occurrence: Occurrence) -> str:
    """For a person: what changed, and from what to what."""
    difference = occurrence.difference
    happened, values = PHRASES[occurrence.kind]
    name = cut(difference.name)
    filled = {"old": shown(difference.old), "new": shown(difference.new), "name": name}
    if occurrence.kind.startswith("security-") and not name:
        filled["name"] = "no credentials"
    aside = ""
    if occurrence.hidden:
        aside = " (write-only: no response carries it)" if occurrence.write_only else " (read-only: no request carries it)"
    return f"{_subject(occurrence)} {happened.format_map(filled)}{values.format_map(filled)}{aside}."


def _subject(occurrence: Occurrence) -> str:
    place = occurrence.place
    path = occurrence.path()
    if not path:
        return place.subject
    noun = "value" if path.endswith(("]", "*")) else "property"
    return f"{place.inner} {noun} `{cut(path)}`"


def shown(value: Any) -> str:
    """A value in a sentence, cut where it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, Kind):
        return value.words()
    if isinstance(value, Lifecycle):
        return f", with the sunset `{cut(str(value.sunset))}`" if value.sunset is not None else ""
    if isinstance(value, Member):
        return ""
    if isinstance(value, list):
        return ", ".join(shown(item) for item in value[:MAX_LISTED]) + (" …" if len(value) > MAX_LISTED else "")
    if isinstance(value, str):
        return f"`{cut(value)}`"
    return f"`{cut(canonical(value))}`"
