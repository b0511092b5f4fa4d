"""A difference where it was found: in which operation, in which part of which message, how far down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from specs.diff.differences import Difference, Lifecycle, Member, Steps

Direction = Literal["request", "response", "none"]
Part = Literal["document", "security", "operation", "body", "property", "parameter", "parameter-property", "header", "response"]
REQUEST: Direction = "request"
RESPONSE: Direction = "response"
NONE: Direction = "none"
DOCUMENT: Part = "document"
SECURITY: Part = "security"
OPERATION: Part = "operation"
BODY: Part = "body"
PROPERTY: Part = "property"
PARAMETER: Part = "parameter"
PARAMETER_PROPERTY: Part = "parameter-property"
HEADER: Part = "header"
ANSWER: Part = "response"


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a message, or the operation or document itself.

    ``direction`` is the request when a client writes the value and the server reads it, in callbacks and webhooks the
    other way round. ``subject`` names it in a sentence, ``inner`` the values inside it. ``loose``: values are text on the
    wire, whatever their type.
    ``where``: ``query``, ``path``, ``header`` or ``cookie`` of a parameter. ``repeats``: a list is written as the same
    parameter again. ``stability`` is what the operation says, or empty.
    """

    direction: Direction
    part: Part
    operation: str = ""
    location: str = ""
    subject: str = ""
    inner: str = ""
    loose: bool = False
    where: str = ""
    repeats: bool = False
    stability: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """``kind`` is the difference's, or a finer one that only the place could tell.

    ``ending``: of something removed, how its end was announced (``specs.diff.lifecycle``).
    """

    place: Place
    difference: Difference
    kind: str
    steps: Steps = field(default=())
    read_only: bool = False
    write_only: bool = False
    ending: str = ""

    @property
    def part(self) -> Part:
        """The part with the way down taken into account; an item of a list is what the parameter itself is."""
        if not self.steps or (self.place.part == PARAMETER and all(step == "[]" for step in self.steps)):
            return self.place.part
        below: dict[Part, Part] = {BODY: PROPERTY, PARAMETER: PARAMETER_PROPERTY}
        return below.get(self.place.part, self.place.part)

    @property
    def hidden(self) -> bool:
        """Whether no message of this direction carries the value: read-only in a request, write-only in a response."""
        return (self.read_only and self.place.direction == REQUEST) or (self.write_only and self.place.direction == RESPONSE)

    def path(self) -> str:
        """The way down, as in ``lines[].price``."""
        return path_of(self.steps)

    def member(self) -> Member:
        """The property that came, went or changed its standing."""
        for value in (self.difference.new, self.difference.old):
            if isinstance(value, Member):
                return value
        return Member(required=False, default=False, read_only=False, write_only=False, lifecycle=Lifecycle())


def path_of(steps: Steps) -> str:
    """Steps as text: ``lines[].price``; values under any name are ``*``."""
    path = ""
    for step in steps:
        if step.startswith("["):
            path += step
        else:
            path += f".{'*' if step == '{}' else step}" if path else ("*" if step == "{}" else step)
    return path
