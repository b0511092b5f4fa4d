"""Types where values are text on the wire: a parameter, a header, a form, XML. What changed there may not show."""

from __future__ import annotations

from specs.diff.differences import Difference
from specs.diff.kinds import SCALARS, Kind
from specs.diff.occurrence import HEADER, PARAMETER, REQUEST, RESPONSE, Place
from specs.diff.pairs import Pairs, Visit
from specs.diff.views import View

_NARROWING = ("pattern", "enum", "const", "maxLength", "minLength", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum")


def on_the_wire(place: Place, visit: Visit, difference: Difference, pairs: Pairs) -> str:
    """What a change of types comes to where values are text: any text may stand for a number, a list may be one value."""
    old, new = difference.old, difference.new
    if not isinstance(old, Kind) or not isinstance(new, Kind) or not place.loose:
        return difference.kind
    wide = (new, old) if place.direction == REQUEST else (old, new)
    if place.repeats and not visit.steps and _repeated(visit, *wide, pairs):
        return "type-generalized"
    if difference.kind in ("type-generalized", "list-of-types-widened") and place.direction == REQUEST:
        return difference.kind
    if difference.kind in ("type-specialized", "list-of-types-narrowed") and place.direction == RESPONSE:
        return difference.kind
    view = visit.pair.new if place.direction == REQUEST else visit.pair.old
    if not _takes_any_text(view, wide[0]):
        return difference.kind
    text = wide[1].types is not None and (wide[1].types <= SCALARS or place.part not in (PARAMETER, HEADER))
    if not text:
        return difference.kind
    return "type-generalized" if place.part == PARAMETER and not visit.steps else "type-compatible"


def _takes_any_text(view: View, kind: Kind) -> bool:
    return kind.bare_string() and not any(keyword in view.keywords for keyword in _NARROWING)


def _repeated(visit: Visit, wide: Kind, narrow: Kind, pairs: Pairs) -> bool:
    """Whether a list now stands where one value did, written the same way, and its items take every such value."""
    if wide.types != frozenset(("array",)) or narrow.types is None or not narrow.types <= SCALARS:
        return False
    view = visit.pair.new
    items = pairs.new.view(view.get("items")) if view.get("items") is not None else View({}, None, nullable=False)
    if any(keyword in items.keywords for keyword in _NARROWING) or view.number("minItems") not in (None, 1):
        return False
    return Kind.of(items).bare_string() or Kind.of(items).covers(narrow)
