"""Many files of one Git tree → one document with internal references only.

Named parts (schemas, parameters, responses…) move into ``components`` (3.x) or the root sections of Swagger 2.0 and
stay references, so circles stay circles; what has no section there (path items, operations, texts) is put in place.
A reference that leaves the tree is never followed: it is named, and the document is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from specs.dynamic import settle_dynamic
from specs.errors import DocumentRefused, PointerMissing
from specs.findings import Finding
from specs.load import Loaded, load, place_findings
from specs.places import Place
from specs.resources import fragment_of, name_resources
from specs.shape import LIST, MAP, SECTIONS, SECTIONS_2, Tokens, members, pointer_of, reference_of
from specs.targets import NAMES_A_DOCUMENT, Outside, has_external, split_reference
from specs.yaml_text import MAX_DEPTH

MAX_VALUES = 5_000_000
"""Bound on the bundled document, counted in values copied."""

_NOT_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(slots=True)
class Bundled:
    """``document`` holds internal references only. ``dangling`` are targets that were reported already."""

    document: dict[str, Any]
    loaded: dict[str, Loaded]
    root: str
    findings: list[Finding] = field(default_factory=list)
    dangling: set[str] = field(default_factory=set)
    origins: dict[Tokens, tuple[str, Tokens]] = field(default_factory=dict)

    def origin(self, tokens: Tokens) -> tuple[str, Tokens]:
        """The file, and the tokens in that file, that a place of the bundled document came from."""
        for length in range(len(tokens), -1, -1):
            if (origin := self.origins.get(tokens[:length])) is not None:
                return origin[0], (*origin[1], *tokens[length:])
        return self.root, tokens

    def places(self, wanted: list[Tokens]) -> dict[Tokens, tuple[str, Tokens, Place]]:
        """File, tokens there, line and column of places of the bundled document. One pass over each file touched."""
        by_file: dict[str, list[Tokens]] = {}
        origins = {tokens: self.origin(tokens) for tokens in wanted}
        for file, original in origins.values():
            by_file.setdefault(file, []).append(original)
        found = {file: self.loaded[file].places(originals) for file, originals in by_file.items()}
        return {tokens: (file, original, found[file][original]) for tokens, (file, original) in origins.items()}


_Site = tuple[str, str, Tokens]
"""A reference as written, the file it stands in, and where."""


class _Bundler:
    def __init__(self, read: Callable[[str], bytes | None], root: Loaded, loaded: dict[str, Loaded]) -> None:
        self.read = read
        self.result = Bundled(root.value, loaded, root.file, [finding for one in loaded.values() for finding in one.findings])
        self.root = root.file
        self.sections = SECTIONS_2 if "swagger" in root.value else {**SECTIONS}
        self.sections.pop("path_item", None)
        if not str(root.value.get("openapi", "")).startswith("3.2"):
            self.sections.pop("media_type", None)
        self.names: dict[tuple[str, str, Tokens], str] = {}
        self.taken: dict[str, set[str]] = {}
        self.waiting: list[tuple[str, str, Tokens, Tokens, _Site | None]] = []
        self.active: list[tuple[str, str, Tokens]] = []
        self.refusals: list[Finding] = []
        self.missing_files: set[str] = set()
        self.values = 0

    # Files and targets

    def file(self, path: str) -> Loaded | None:
        if path not in self.result.loaded and path not in self.missing_files:
            data = self.read(path)
            if data is None:
                self.missing_files.add(path)
                return None
            self.result.loaded[path] = load(data, path)
            self.result.findings.extend(self.result.loaded[path].findings)
        return self.result.loaded.get(path)

    def target(self, reference: str, base: str, here: Tokens) -> tuple[str, Tokens] | None:
        """Where a reference in ``base`` at ``here`` leads; ``None`` after noting a refusal."""
        try:
            file, tokens = split_reference(reference, base)
        except Outside as reason:
            text = f"The reference {reference[:200]!r} was not followed: {reason}."
            self.refusals.append(Finding("reference-outside", "error", text, pointer_of((*here, "$ref")), base))
            return None
        except PointerMissing:
            self.dangle(reference, base, here)
            return None
        if self.file(file) is None:
            text = f"The reference {reference[:200]!r} names the file {file[:200]!r}, which is not in the repository."
            self.refusals.append(Finding("reference-file-missing", "error", text, pointer_of((*here, "$ref")), base))
            return None
        return file, tokens

    def dangle(self, reference: str, base: str, here: Tokens) -> None:
        text = f"The reference {reference[:200]!r} leads nowhere."
        self.result.findings.append(Finding("reference-dangling", "error", text, pointer_of((*here, "$ref")), base))

    def circle(self, reference: str, base: str, here: Tokens) -> None:
        text = f"The reference {reference[:200]!r} leads back to itself."
        self.result.findings.append(Finding("reference-circle", "error", text, pointer_of((*here, "$ref")), base))

    def fetch(self, file: str, tokens: Tokens) -> tuple[Any, str, Tokens]:
        """The value at the tokens of a file, going through references on the way, and where it really lies."""
        value: Any = self.result.loaded[file].value
        at: Tokens = ()
        for _hop in range(64):
            while tokens:
                if isinstance(value, dict) and tokens[0] in value:
                    value = value[tokens[0]]
                elif isinstance(value, list) and tokens[0].isascii() and tokens[0].isdigit() and int(tokens[0]) < len(value):
                    value = value[int(tokens[0])]
                else:
                    break
                at, tokens = (*at, tokens[0]), tokens[1:]
            if not tokens:
                return value, file, at
            reference = reference_of(value)
            if reference is None or (following := self.target(reference, file, at)) is None:
                break
            file, at = following[0], ()
            tokens = (*following[1], *tokens)
            value = self.result.loaded[file].value
        raise PointerMissing("The reference leads nowhere.")

    # Names

    def pointer(self, kind: str, file: str, tokens: Tokens, site: _Site | None) -> str:
        """The internal reference for a part of another file; the part is queued to be moved on first use, which ``site`` is."""
        identity = (kind, file, tokens)
        if identity not in self.names:
            section = self.sections[kind]
            place = ("components", section) if section not in SECTIONS_2.values() or "swagger" not in self.result.document else (section,)
            taken = self.taken.setdefault(section, set(self.section(place)))
            wanted = tokens[-1] if tokens else posixpath.splitext(posixpath.basename(file))[0]
            base = _NOT_NAME.sub("-", wanted).strip("-") or kind
            name, number = base, 1
            while name in taken:
                number += 1
                name = f"{base}-{number}"
            taken.add(name)
            self.names[identity] = fragment_of((*place, name))
            self.waiting.append((kind, file, tokens, (*place, name), site))
        return self.names[identity]

    def section(self, place: Tokens) -> dict[str, Any]:
        value: Any = self.result.loaded[self.root].value
        for token in place:
            value = value.get(token, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, dict) else {}

    def name_own(self) -> None:
        """A component that is nothing but a reference to a file lends the file's part its name."""
        document = self.result.document
        places = [("components", section) for section in SECTIONS.values()] + [(section,) for section in SECTIONS_2.values()]
        kinds = {section: kind for kind, section in self.sections.items()}
        for place in places:
            kind = kinds.get(place[-1])
            if kind is None or (len(place) == 1) != ("swagger" in document):
                continue
            for name, value in self.section(place).items():
                reference = reference_of(value)
                if reference is None or reference.startswith("#") or len(value) > 1:
                    continue
                try:
                    identity = (kind, *split_reference(reference, self.root))
                except (Outside, PointerMissing):
                    continue
                self.names.setdefault(identity, fragment_of((*place, name)))

    # Copying

    def count(self, base: str, here: Tokens, at: Tokens) -> None:
        """Bound what is put together, in size and in depth."""
        self.values += 1
        if len(at) > MAX_DEPTH or self.values > MAX_VALUES:
            rule, what = ("too-deep", "nested too deep") if len(at) > MAX_DEPTH else ("too-large", "too large")
            finding = Finding(rule, "error", f"With its files put together the document is {what} from here on.", pointer_of(here), base)
            raise DocumentRefused(place_findings([finding], self.result.loaded))

    def typed(self, kind: str, value: Any, base: str, here: Tokens, at: Tokens) -> Any:
        """A copy of one typed object. ``here`` are its tokens in ``base``, ``at`` those in the bundled document."""
        self.count(base, here, at)
        if not isinstance(value, dict):
            return value
        reference = reference_of(value)
        if reference is None:
            return self.object(kind, value, base, here, at)
        rest = {name: member for name, member in value.items() if name != "$ref"}
        if base == self.root and reference.startswith("#"):
            return {"$ref": reference, **self.object(kind, rest, base, here, at)} if rest else value
        found = self.target(reference, base, here)
        if found is None:
            return value
        file, tokens = found
        if kind in self.sections:
            own = fragment_of(at)
            if self.names.get((kind, file, tokens)) == own:
                return self.inline(kind, file, tokens, base, here, at, reference)
            pointer = fragment_of(tokens) if file == self.root else self.pointer(kind, file, tokens, (reference, base, here))
            return {"$ref": pointer, **self.object(kind, rest, base, here, at)}
        inlined = self.inline(kind, file, tokens, base, here, at, reference)
        return {**inlined, **self.object(kind, rest, base, here, at)} if rest and isinstance(inlined, dict) else inlined

    def inline(self, kind: str, file: str, tokens: Tokens, base: str, here: Tokens, at: Tokens, reference: str) -> Any:
        """The part itself, put where the reference stood."""
        identity = (kind, file, tokens)
        if identity in self.active:
            return self.unresolved(self.circle, kind, reference, base, here)
        try:
            value, file, tokens = self.fetch(file, tokens)
        except PointerMissing:
            return self.unresolved(self.dangle, kind, reference, base, here)
        self.active.append(identity)
        self.result.origins[at] = (file, tokens)
        copied = self.untyped(value, file, tokens, at) if kind == "any" else self.typed(kind, value, file, tokens, at)
        self.active.pop()
        return copied

    def unresolved(self, refuse: Callable[[str, str, Tokens], None], kind: str, reference: str, base: str, here: Tokens) -> dict[str, Any]:
        """What stands for a reference that cannot be resolved. In texts, examples and extensions it may be mere data: kept as written."""
        if kind != "any":
            refuse(reference, base, here)
            return {}
        text = f"The reference {reference[:200]!r} stands in a text or an example and leads nowhere; it is kept as it is written."
        self.result.findings.append(Finding("reference-in-data", "warning", text, pointer_of((*here, "$ref")), base))
        return {"$ref": reference}

    def object(self, kind: str, value: dict[str, Any], base: str, here: Tokens, at: Tokens) -> dict[str, Any]:
        table = {name: (how, below) for name, how, below, _member in members(kind, value)}
        copied: dict[str, Any] = {}
        for name, member in value.items():
            inside, place = (*here, name), (*at, name)
            if name not in table:
                copied[name] = self.untyped(member, base, inside, place)
                if kind == "schema" and name == "discriminator":
                    copied[name] = self.mapping(member, base)
                elif kind == "schema" and name == "$dynamicRef" and isinstance(member, str):
                    copied[name] = self.dynamic(member, base)
                continue
            how, below = table[name]
            if how in (MAP, LIST) or isinstance(member, list):
                copied[name] = self.container(below, member, base, inside, place)
            else:
                copied[name] = self.typed(below, member, base, inside, place)
        return copied

    def container(self, kind: str, value: Any, base: str, here: Tokens, at: Tokens) -> Any:
        """A map or list of typed objects; the whole of it may stand in another file."""
        self.count(base, here, at)
        reference = reference_of(value)
        if reference is None or (base == self.root and reference.startswith("#")):
            return self.each(kind, value, base, here, at)
        found = self.target(reference, base, here)
        if found is None:
            return value
        identity = (f"container of {kind}", *found)
        if identity in self.active:
            self.circle(reference, base, here)
            return {}
        try:
            value, base, here = self.fetch(*found)
        except PointerMissing:
            self.dangle(reference, base, here)
            return {}
        self.result.origins[at] = (base, here)
        self.active.append(identity)
        copied = self.each(kind, value, base, here, at)
        self.active.pop()
        return copied

    def each(self, kind: str, value: Any, base: str, here: Tokens, at: Tokens) -> Any:
        if isinstance(value, list):
            return [self.typed(kind, item, base, (*here, str(i)), (*at, str(i))) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self.typed(kind, item, base, (*here, name), (*at, name)) for name, item in value.items()}
        return value

    def untyped(self, value: Any, base: str, here: Tokens, at: Tokens) -> Any:
        """Texts, examples, extensions: a lone reference to a file of the tree is put in place, all else is kept as written."""
        if isinstance(value, list):
            return [self.untyped(item, base, (*here, str(i)), (*at, str(i))) for i, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        self.count(base, here, at)
        reference = reference_of(value)
        if reference is not None and len(value) == 1 and not (base == self.root and reference.startswith("#")):
            try:
                file, tokens = split_reference(reference, base)
            except (Outside, PointerMissing):
                return value
            if self.file(file) is not None:
                return self.inline("any", file, tokens, base, here, at, reference)
        return {name: self.untyped(item, base, (*here, name), (*at, name)) for name, item in value.items()}

    def dynamic(self, reference: str, base: str) -> str:
        """The first target of a ``$dynamicRef`` as an internal reference; what cannot be found stays as it is written."""
        try:
            file, tokens = split_reference(reference, base)
        except (Outside, PointerMissing):
            return reference
        if base == self.root == file or self.file(file) is None:
            return reference
        return fragment_of(tokens) if file == self.root else self.pointer("schema", file, tokens, None)

    def mapping(self, value: Any, base: str) -> Any:
        """A discriminator whose mapping names files or, in another file, its own parts. What is not there is judged later."""
        if not isinstance(value, dict) or not isinstance(value.get("mapping"), dict):
            return value
        mapping = dict(value["mapping"])
        for name, reference in mapping.items():
            if not isinstance(reference, str) or not (NAMES_A_DOCUMENT.search(reference) or reference.startswith("#")):
                continue
            if base == self.root and reference.startswith("#"):
                continue
            try:
                found = split_reference(reference, base)
            except (Outside, PointerMissing):
                continue
            if self.file(found[0]) is not None:
                mapping[name] = fragment_of(found[1]) if found[0] == self.root else self.pointer("schema", *found, None)
        return {**value, "mapping": mapping}

    def section_of(self, document: dict[str, Any], place: Tokens) -> dict[str, Any]:
        """The object of the bundled document a part moves into. A plain value that stands there gives way, and is found."""
        section = document
        for length, token in enumerate(place[:-1], 1):
            if not isinstance(section.get(token), dict):
                if token in section:
                    text = f"This is not an object, so it was left out: {token} holds named parts."
                    self.result.findings.append(Finding("standard", "error", text, pointer_of(place[:length]), self.root))
                section[token] = {}
            section = section[token]
        return section

    def run(self) -> Bundled:
        self.name_own()
        document = self.typed("document", self.result.document, self.root, (), ())
        while self.waiting:
            kind, file, tokens, place, site = self.waiting.pop()
            try:
                value, file, tokens = self.fetch(file, tokens)
            except PointerMissing:
                if site is not None:  # a discriminator's mapping is judged with the others, later
                    self.dangle(*site)
                    self.result.dangling.add(fragment_of(place))
                continue
            self.result.origins[place] = (file, tokens)
            self.section_of(document, place)[place[-1]] = self.typed(kind, value, file, tokens, place)
        self.result.document = document
        return self.result


def bundle(read: Callable[[str], bytes | None], root: Loaded) -> Bundled:
    """One document out of the root file and the files of the same tree it refers to.

    ``read`` answers the bytes of a file by its path from the top of the tree, or ``None``; it must not follow links.
    Raises DocumentRefused naming every reference that leaves the tree or names a file that is not there.
    """
    resources = name_resources(read, root)
    loaded = resources.files if resources is not None else {root.file: root}
    if has_external(root.value):
        bundler = _Bundler(read, root, loaded)
        result = bundler.run()
        if bundler.refusals:
            raise DocumentRefused(place_findings(bundler.refusals, result.loaded))
    else:
        result = Bundled(root.value, loaded, root.file, list(root.findings))
    if resources is not None:
        result.findings.extend(resources.findings)
        result.document, moved = settle_dynamic(result.document, resources, result.origin)
        result.origins.update(moved)
    return result
