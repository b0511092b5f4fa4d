"""When a rule applies: conditions named in the table of rules."""

from __future__ import annotations

from specs.diff.differences import Lifecycle
from specs.diff.occurrence import Occurrence

__all__ = [
    *("always", "in_header", "optional", "optional_hidden", "read_only", "required", "required_hidden"),
    *("after_deprecation", "before_sunset", "required_in_header", "required_with_default", "with_sunset", "write_only"),
]


def always(occurrence: Occurrence) -> bool:
    """Wherever it occurs."""
    return True


def read_only(occurrence: Occurrence) -> bool:
    """The value is never part of a request: the schema says ``readOnly``, here or above."""
    return occurrence.read_only or occurrence.member().read_only


def write_only(occurrence: Occurrence) -> bool:
    """The value is never part of a response: the schema says ``writeOnly``, here or above."""
    return occurrence.write_only or occurrence.member().write_only


def required(occurrence: Occurrence) -> bool:
    """The property must be there."""
    return occurrence.member().required


def optional(occurrence: Occurrence) -> bool:
    """The property may be left out."""
    return not occurrence.member().required


def required_with_default(occurrence: Occurrence) -> bool:
    """The property must be there, and the schema names a default."""
    return occurrence.member().required and occurrence.member().default


def required_hidden(occurrence: Occurrence) -> bool:
    """The property must be there, and is only ever written."""
    return write_only(occurrence) and required(occurrence)


def optional_hidden(occurrence: Occurrence) -> bool:
    """The property may be left out, and is only ever written."""
    return write_only(occurrence) and optional(occurrence)


def in_header(occurrence: Occurrence) -> bool:
    """The parameter is a header."""
    return occurrence.place.where == "header"


def required_in_header(occurrence: Occurrence) -> bool:
    """The property must be there, inside a header."""
    return in_header(occurrence) and required(occurrence)


def with_sunset(occurrence: Occurrence) -> bool:
    """What became deprecated names the day it ends."""
    new = occurrence.difference.new
    return isinstance(new, Lifecycle) and new.sunset is not None


def before_sunset(occurrence: Occurrence) -> bool:
    """What was removed was deprecated with a day to end on that is not yet over, or is no date."""
    return occurrence.ending in ("before-sunset", "sunset-parse")


def after_deprecation(occurrence: Occurrence) -> bool:
    """What was removed was deprecated, and the day it was to end on is over or was never named."""
    return occurrence.ending == "with-deprecation"
