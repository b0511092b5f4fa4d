"""One operation in both documents, and what its message parts are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from specs.diff.lifecycle import level_of
from specs.diff.occurrence import ANSWER, BODY, HEADER, OPERATION, PARAMETER, REQUEST, RESPONSE, Direction, Place
from specs.diff.words import cut
from specs.operations import Operation


@dataclass(frozen=True, slots=True)
class Exchange:
    """``label`` names the operation for people, ``prefix`` what stands before its locations.

    ``inverted``: a webhook or callback, where the API calls its client; what is a request there is written by the API
    and read by the client, so it is judged as a response is, and the other way round.
    """

    old_document: dict[str, Any]
    new_document: dict[str, Any]
    old: Operation
    new: Operation
    label: str
    prefix: str = ""
    inverted: bool = False

    @property
    def stability(self) -> str:
        """The level of stability that is said, else the empty string."""
        said = self.new.value.get("x-stability-level", self.old.value.get("x-stability-level"))
        return level_of(said) if said is not None else ""

    def operation(self, location: str = "") -> Place:
        """The operation itself, or what stands at ``location`` beside its messages."""
        return Place("none", OPERATION, self.label, self.prefix + location, "The operation", stability=self.stability)

    def request_body(self) -> Place:
        """The body of the request."""
        direction: Direction = RESPONSE if self.inverted else REQUEST
        return Place(direction, BODY, self.label, f"{self.prefix}request.body", "Request body", "Body", stability=self.stability)

    def parameter(self, where: str, name: str, *, loose: bool = True, repeats: bool = False) -> Place:
        """A parameter; in a webhook or callback it is judged as a header of a response is."""
        subject = f"{where.capitalize()} parameter `{cut(name)}`"
        direction: Direction = RESPONSE if self.inverted else REQUEST
        part = HEADER if self.inverted else PARAMETER
        location = f"{self.prefix}request.{where}.{name}"
        return Place(direction, part, self.label, location, subject, f"{subject},", loose, where, repeats, self.stability)

    def response(self, status: str) -> Place:
        """A response as a whole."""
        direction: Direction = REQUEST if self.inverted else RESPONSE
        return Place(direction, ANSWER, self.label, f"{self.prefix}response.{status}", _answer(status), stability=self.stability)

    def response_body(self, status: str) -> Place:
        """The body of a response."""
        direction: Direction = REQUEST if self.inverted else RESPONSE
        location, subject = f"{self.prefix}response.{status}.body", _answer(status)
        return Place(direction, BODY, self.label, location, f"{subject} body", subject, stability=self.stability)

    def response_header(self, status: str, name: str) -> Place:
        """A header of a response."""
        direction: Direction = REQUEST if self.inverted else RESPONSE
        part = PARAMETER if self.inverted else HEADER
        subject = f"{_answer(status)} header `{cut(name)}`"
        location = f"{self.prefix}response.{status}.header.{name}"
        return Place(direction, part, self.label, location, subject, f"{subject},", loose=True, where="header", stability=self.stability)


def _answer(status: str) -> str:
    return "Default response" if status == "default" else f"Response {status}"
