"""Two upgraded documents → changes. No file, no clock, no network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from specs.diff.changes import Change, sort_changes
from specs.diff.collected import Collected
from specs.diff.differences import Difference, Lifecycle, Member
from specs.diff.lifecycle import Deadlines, ending_of, steps_of
from specs.diff.occurrence import HEADER, PARAMETER, PARAMETER_PROPERTY, REQUEST, Occurrence, Place, path_of
from specs.diff.operations import compare_paths, compare_servers, compare_webhooks
from specs.diff.pairs import Pairs, Visit
from specs.diff.rules import REGISTRY
from specs.diff.security import compare_schemes, compare_security, document_place
from specs.diff.wire import on_the_wire
from specs.operations import as_dict, as_text

MAX_CHANGES = 500_000
"""Changes that are listed; two documents with more have little to do with one another."""
_NUMBERS = re.compile(r"\d+")


def compare(old: dict[str, Any], new: dict[str, Any], deadlines: Deadlines) -> list[Change]:
    """Every change from ``old`` to ``new``, judged by the registered rules, in stable order.

    Both are documents upgraded to OpenAPI 3.x with internal references only, as ``specs.compiler.read_document`` gives them.
    """
    collected = Collected(Pairs(old, new))
    _compare_documents(old, new, collected)
    compare_schemes(old, new, collected)
    compare_paths(old, new, collected, deadlines)
    compare_webhooks(old, new, collected, deadlines)
    collected.pairs.settle()
    found = (change for occurrence in _occurrences(collected, deadlines) for change in _judged(occurrence))
    changes = list(islice(found, MAX_CHANGES))
    if len(changes) == MAX_CHANGES or collected.pairs.cut:
        changes.extend(_judged(Occurrence(document_place(), Difference("too-many"), "too-many")))
    return sort_changes(changes)


def _compare_documents(old: dict[str, Any], new: dict[str, Any], collected: Collected) -> None:
    place = document_place()
    before, after = (as_text(as_dict(document.get("info")).get("version")) for document in (old, new))
    if _version(before) > _version(after):
        collected.note(replace(place, location="info.version"), "version-decreased", before, after)
    if as_text(old.get("jsonSchemaDialect")) != as_text(new.get("jsonSchemaDialect")):
        dialects = old.get("jsonSchemaDialect"), new.get("jsonSchemaDialect")
        collected.note(replace(place, location="jsonSchemaDialect"), "dialect-changed", *dialects)
    compare_servers(replace(place, location="servers"), old.get("servers"), new.get("servers"), collected)
    compare_security(replace(place, location="security"), old.get("security"), new.get("security"), collected)
    schemas = [as_dict(as_dict(document.get("components")).get("schemas")) for document in (old, new)]
    for name in schemas[0]:
        if name not in schemas[1]:
            collected.note(replace(place, location=f"components.schemas.{name}"), "schema-removed", name=name)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBERS.findall(text)[:4] if len(number) < 10)


def _occurrences(collected: Collected, deadlines: Deadlines) -> Iterator[Occurrence]:
    for occurrence in collected.occurrences:
        yield from _lived(occurrence, deadlines)
    for place, root in collected.roots:
        for visit in collected.pairs.walk(root):
            for difference in visit.pair.own:
                yield from _lived(_seen(place, visit, difference, collected.pairs, deadlines), deadlines)


def _seen(place: Place, visit: Visit, difference: Difference, pairs: Pairs, deadlines: Deadlines) -> Occurrence:
    ending = ""
    if isinstance(difference.old, Member):
        ending = ending_of(difference.old.lifecycle, place.stability, deadlines)
    kind = on_the_wire(place, visit, difference, pairs)
    steps = (*visit.steps, *difference.below)
    found = Occurrence(place, difference, kind, steps, visit.read_only, visit.write_only, ending)
    if kind == "type-specialized" and place.direction == REQUEST and found.part != PARAMETER_PROPERTY:
        return replace(found, kind="type-changed")  # the vocabulary has one word for every type a request may no longer send
    return found


def _lived(occurrence: Occurrence, deadlines: Deadlines) -> Iterator[Occurrence]:
    """The steps of a life as occurrences of their own; everything else as it is."""
    difference = occurrence.difference
    if difference.kind != "lifecycle":
        yield occurrence
        return
    old, new = difference.old, difference.new
    if not isinstance(old, Lifecycle) or not isinstance(new, Lifecycle):
        return
    for kind, before, after in steps_of(old, new, occurrence.place.stability, deadlines):
        if kind == "deprecated-sunset-invalid" and occurrence.part in (PARAMETER, PARAMETER_PROPERTY, HEADER):
            kind = "sunset-invalid"
        yield replace(occurrence, difference=Difference(kind, before, after, below=difference.below), kind=kind)


def _judged(occurrence: Occurrence) -> Iterator[Change]:
    rule = REGISTRY.judge(occurrence)
    if rule is None:
        return
    level = "info" if occurrence.hidden else rule.level
    place = occurrence.place
    path = path_of(occurrence.steps)
    location = f"{place.location}{'' if path.startswith('[') or not path else '.'}{path}"
    yield Change(rule.id, level, place.operation, location, occurrence)
