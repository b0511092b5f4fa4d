"""Schemas closed over their references, stored by content.

A closure up to ``DOCUMENT_LIMIT`` bytes is one self-contained document. A larger one (Stripe, Microsoft Graph) is a small
document whose references lead into one bundle of shared definitions per mode. Every definition is compiled once here,
so that what cannot be compiled, or would take exponential work, is replaced and said, and never fails a call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from specs.schema.compiling import SchemaUnusable, bundle_urn, compile_schema
from specs.schema.convert import Converted, Converter, Mode, definition_name, resolve_pointer
from specs.schema.cost import IN_PLACE_LIMIT, CostGuard
from specs.schema.growth import GrowthGuard

DOCUMENT_LIMIT = 65_536
LOCAL = b'"$ref":"#/$defs/'
WRITE = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


@dataclass(frozen=True, slots=True)
class Note:
    """What of a schema is not checked. ``whole`` means that nothing of it is; else one keyword was dropped."""

    text: str
    whole: bool


@dataclass(slots=True)
class _Definition:
    schema: Any
    references: set[str]
    notes: list[Note]
    text: bytes

    def give_up(self, note: Note) -> None:
        self.schema, self.references, self.text = True, set(), b"true"
        self.notes.append(note)


class SchemaDocuments:
    """Collects the schema documents of one OpenAPI document in one mode into ``documents``: sha256 hex → JSON."""

    def __init__(self, document: Mapping[str, Any], mode: Mode, documents: dict[str, bytes]) -> None:
        self.mode = mode
        self.documents = documents
        self.converter = Converter(document, mode)
        self._definitions: dict[str, _Definition] = {}
        self._guard = CostGuard(lambda name: self._definitions[name].schema)
        self._growth = GrowthGuard(lambda name: self._definitions[name].schema, self._edges)
        self._bounded: set[str] = set()
        self._shared: set[str] = set()
        self._compiled: set[str] = set()

    def add(self, schema: Any, pointer: str) -> tuple[dict[str, Any] | None, list[Note]]:
        """Store the schema found at ``pointer``; returns what a plan keeps of it, and notes.

        That is ``{"schema": sha256, "at": pointer}`` with ``"bundle": mode`` when the document needs the shared
        definitions and ``"depth": levels`` when its work multiplies with every level of a value (deeper ones are not
        checked; 0: any are), or ``None`` when the schema lets everything through.
        """
        return self.add_converted(self.converter.convert(schema, pointer), pointer)

    def add_converted(self, converted: Converted, pointer: str) -> tuple[dict[str, Any] | None, list[Note]]:
        """As ``add``, for a schema put together from converted ones."""
        root = self._checked(converted, pointer)
        names = sorted(self._closure(root.references))
        if self._guard.worst(root.schema) > IN_PLACE_LIMIT:
            root.give_up(Note(f"{pointer} would take too much work to check", whole=True))
        notes = [*root.notes, *(note for name in names for note in self._definitions[name].notes)]
        if root.schema is True or root.schema == {}:
            return None, notes
        shared = sum(len(self._definitions[name].text) + len(name) + 4 for name in names) > DOCUMENT_LIMIT
        if shared:
            self._shared.update(names)
            text = root.text.replace(LOCAL, b'"$ref":"' + bundle_urn(self.mode).encode() + b"#/$defs/")
        else:
            text = self._self_contained(root, names)
        digest = hashlib.sha256(text).hexdigest()
        if not shared and digest not in self._compiled:
            try:
                compile_schema(text)
            except SchemaUnusable as error:
                return None, [*notes, Note(f"{pointer} cannot be compiled ({error})", whole=True)]
            self._compiled.add(digest)
        self.documents[digest] = text
        return {"schema": digest, "at": pointer, **({"bundle": self.mode} if shared else {}), **self._depth(names)}, notes

    def _depth(self, names: list[str]) -> dict[str, int]:
        """Only what callers send is bounded: a platform's own answers are not crafted against its schemas."""
        limit = self._growth.depth_limit(names)
        return {} if limit is None else {"depth": limit if self.mode == "request" else 0}

    def _edges(self, name: str) -> set[str]:
        return {definition_name(reference) for reference in self._definitions[name].references}

    def bundle(self) -> bytes | None:
        """JSON of the definitions that large closures share, or ``None`` when there are none."""
        if not self._shared:
            return None
        return b'{"$defs":{' + self._members(sorted(self._shared)) + b"}}"

    def _definition(self, pointer: str) -> _Definition:
        name = definition_name(pointer)
        known = self._definitions.get(name)
        if known is None:
            converted = self.converter.convert(resolve_pointer(self.converter.document, pointer), pointer)
            if name.startswith("at-") and isinstance(converted.schema, dict):
                converted.schema = {"$comment": pointer, **converted.schema}
            self._definitions[name] = known = self._checked(converted, pointer)
        return known

    def _checked(self, converted: Converted, pointer: str) -> _Definition:
        notes = [Note(f"{at} {text}", whole=False) for at, text in dict.fromkeys(converted.complaints)]
        definition = _Definition(converted.schema, set(converted.references), notes, b"true")
        try:
            definition.text = orjson.dumps(converted.schema, option=WRITE)
            # References are stubbed: what fails to compile fails in this definition and not in one it refers to.
            stubs = dict.fromkeys((definition_name(reference) for reference in converted.references), True)
            stubbed = {**converted.schema, "$defs": stubs} if stubs else converted.schema
            compile_schema(orjson.dumps(stubbed, option=orjson.OPT_NON_STR_KEYS))
        except (SchemaUnusable, orjson.JSONEncodeError) as error:
            definition.give_up(Note(f"{pointer} cannot be compiled ({error})", whole=True))
        return definition

    def _closure(self, references: set[str]) -> set[str]:
        """Names of every definition reached; the work of each is bounded before it is used."""
        reached: dict[str, str] = {}
        pending = list(references)
        while pending:
            pointer = pending.pop()
            name = definition_name(pointer)
            if name not in reached:
                reached[name] = pointer
                pending.extend(self._definition(pointer).references)
        for name in reached.keys() - self._bounded:
            self._bounded.add(name)
            definition = self._definitions[name]
            if self._guard.worst(definition.schema) > IN_PLACE_LIMIT:
                definition.give_up(Note(f"{reached[name]} would take too much work to check", whole=True))
                self._guard.forgive(name)
        return set(reached)

    def _members(self, names: list[str]) -> bytes:
        return b",".join(orjson.dumps(name) + b":" + self._definitions[name].text for name in names)

    def _self_contained(self, root: _Definition, names: list[str]) -> bytes:
        if not names:
            return root.text
        rest = root.text[1:]
        return b'{"$defs":{' + self._members(names) + b"}" + (b"," if rest != b"}" else b"") + rest
