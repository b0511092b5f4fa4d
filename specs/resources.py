"""What ``$id``, ``$anchor`` and ``$self`` name, and every reference through them as a JSON pointer.

JSON Schema 2020-12 §8.2 and OpenAPI 3.2 §4.1.2. A file is a resource; a schema with ``$id`` in it is another one, and
moves the base of the references below it. Afterwards all references are pointers from the top of a file, so nothing
that comes later needs to know any of this. Names are looked up among the files of the tree; nothing is ever fetched.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urljoin

from specs.errors import PointerMissing
from specs.findings import Finding
from specs.load import Loaded, load
from specs.shape import MAP, MEMBERS, Tokens, pointer_of, resolve, tokens_of
from specs.targets import Outside, split_reference

Site = tuple[str, Tokens]
"""A file and the tokens of a place in it."""

_NAMING = ("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$self")
_DATA = frozenset(("example", "examples", "default", "const", "enum"))
_MAPS = frozenset(name for table in MEMBERS.values() for name, (how, _kind) in table.items() if how == MAP)
_TOP = "https://tree.invalid/"
"""Where a file is said to lie, for joining; a name no host has (RFC 2606)."""


@dataclass(slots=True)
class Resources:
    """``starts``: where a resource begins → its URI. ``anchors`` and ``dynamic``: (URI, name) → where. ``repeated``: named twice."""

    files: dict[str, Loaded]
    named: dict[str, Site] = field(default_factory=dict)
    starts: dict[Site, str] = field(default_factory=dict)
    anchors: dict[tuple[str, str], Site] = field(default_factory=dict)
    dynamic: dict[tuple[str, str], Site] = field(default_factory=dict)
    repeated: set[tuple[str, str]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def resource_of(self, file: str, tokens: Tokens) -> str:
        """The URI of the resource a place belongs to."""
        for length in range(len(tokens), -1, -1):
            if (uri := self.starts.get((file, tokens[:length]))) is not None:
                return uri
        return _TOP + quote(file)


def name_resources(read: Callable[[str], bytes | None], root: Loaded) -> Resources | None:
    """Read the files ``root`` leads to and rewrite their references in ``Loaded.value``; ``None`` when nothing is named.

    Only OpenAPI 3.1 and later have names; others come back untouched and unread.
    """
    if not str(root.value.get("openapi", "")).startswith(("3.1", "3.2")):
        return None
    files = _gather(read, root)
    if not any(name in loaded.text for loaded in files.values() for name in _NAMING):
        return None
    resources = Resources(files)
    for loaded in files.values():
        _index(resources, loaded)
    for loaded in files.values():
        loaded.value = _Rewriting(resources, loaded).run()
    return resources


def _gather(read: Callable[[str], bytes | None], root: Loaded) -> dict[str, Loaded]:
    """Every file of the tree the root leads to by path. What is outside or missing is named later, by the bundle."""
    files = {root.file: root}
    waiting = [root]
    while waiting:
        loaded = waiting.pop()
        for reference in _references(loaded.value):
            try:
                file, _tokens = split_reference(reference.partition("#")[0], loaded.file)
            except (Outside, PointerMissing):
                continue
            if file not in files and (data := read(file)) is not None:
                files[file] = load(data, file)
                waiting.append(files[file])
    return files


def _references(value: Any, *, names: bool = False) -> list[str]:
    """The texts of references that may be followed: not those in examples and extensions."""
    found: list[str] = []
    stack = [(value, names)]
    while stack:
        parent, names = stack.pop()
        if isinstance(parent, list):
            stack.extend((item, False) for item in parent)
        elif isinstance(parent, dict):
            if not names:
                found.extend(parent[name] for name in ("$ref", "$dynamicRef") if isinstance(parent.get(name), str))
            stack.extend((member, not names and name in _MAPS) for name, member in parent.items() if _is_read(name, names=names))
    return found


def _is_read(name: str, *, names: bool) -> bool:
    """Whether a member holds parts of the document; below ``properties`` and its like any name does."""
    return names or not (name in _DATA or (name.startswith("x-") and name != "x-webhooks"))


def _join(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


def _index(resources: Resources, loaded: Loaded) -> None:
    """Note every resource and anchor of a file."""
    own = _TOP + quote(loaded.file)
    resources.named[own] = (loaded.file, ())
    resources.starts[loaded.file, ()] = own
    stack: list[tuple[Any, Tokens, str, bool]] = [(loaded.value, (), own, False)]
    while stack:
        value, tokens, base, names = stack.pop()
        if isinstance(value, list):
            stack.extend((item, (*tokens, str(index)), base, False) for index, item in enumerate(value))
        elif isinstance(value, dict):
            if not names:
                base = _identify(resources, value, (loaded.file, tokens), base)
            stack.extend(
                (member, (*tokens, name), base, not names and name in _MAPS)
                for name, member in value.items()
                if isinstance(member, dict | list) and _is_read(name, names=names)
            )


def _identify(resources: Resources, value: dict[str, Any], site: Site, base: str) -> str:
    """The base of what lies inside an object, its own names noted."""
    identity = value.get("$self" if "openapi" in value and not site[1] else "$id")
    if isinstance(identity, str) and identity.partition("#")[0]:
        base = _join(base, identity.partition("#")[0])
        if resources.named.setdefault(base, site) != site:
            text = f"The name {base[:200]!r} is that of another schema too; references by it lead there."
            resources.findings.append(Finding("schema-id", "warning", text, pointer_of((*site[1], "$id")), site[0]))
            base = f"{base}#{len(resources.starts)}"
        resources.starts[site] = base
    anchors = [value.get("$anchor"), value.get("$dynamicAnchor")]
    if isinstance(identity, str) and identity.startswith("#"):  # how drafts before 2019-09 wrote an anchor
        anchors.append(identity[1:])
    for anchor in anchors:
        if isinstance(anchor, str) and resources.anchors.setdefault((base, anchor), site) != site:
            resources.repeated.add((base, anchor))
    if isinstance(value.get("$dynamicAnchor"), str):
        resources.dynamic.setdefault((base, value["$dynamicAnchor"]), site)
    return base


class _Rewriting:
    """One file with its references as pointers; parts that need no change are shared with what was read."""

    def __init__(self, resources: Resources, loaded: Loaded) -> None:
        self.resources = resources
        self.loaded = loaded
        self.references = 0

    def run(self) -> Any:
        return self.value(self.loaded.value, (), self.resources.starts[self.loaded.file, ()], names=False)

    def value(self, value: Any, tokens: Tokens, base: str, *, names: bool) -> Any:
        if isinstance(value, list):
            items = [self.value(item, (*tokens, str(index)), base, names=False) for index, item in enumerate(value)]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if not isinstance(value, dict):
            return value
        base = self.resources.starts.get((self.loaded.file, tokens), base)
        before = self.references
        changed = {} if names else self.own(value, tokens, base)
        for name, member in value.items():
            if isinstance(member, dict | list) and _is_read(name, names=names):
                new = self.value(member, (*tokens, name), base, names=not names and name in _MAPS)
                if new is not member:
                    changed[name] = new
        rewritten = {**value, **changed} if changed else value
        if not names and isinstance(value.get("$id"), str) and self.references > before:
            # Its references are read from the top of the file now: with the base kept, other tools would misread them.
            rewritten = {name: member for name, member in rewritten.items() if name != "$id"}
        static = not names and isinstance(value.get("$dynamicRef"), str) and self.is_static(value["$dynamicRef"], base)
        return _as_reference(rewritten) if static else rewritten

    def own(self, value: dict[str, Any], tokens: Tokens, base: str) -> dict[str, Any]:
        """The members of one object that name something, rewritten."""
        changed: dict[str, Any] = {}
        for name in ("$ref", "$dynamicRef"):
            if isinstance(value.get(name), str):
                self.references += 1
                if (written := self.written(value[name], (*tokens, name), base)) is not None:
                    changed[name] = written
        mapping = value["discriminator"].get("mapping") if isinstance(value.get("discriminator"), dict) else None
        if isinstance(mapping, dict):
            at = (*tokens, "discriminator", "mapping")
            new = {
                key: (self.written(one, (*at, key), base) if isinstance(one, str) and "#" in one else None) or one
                for key, one in mapping.items()
            }
            if new != mapping:
                changed["discriminator"] = {**value["discriminator"], "mapping": new}
        return changed

    def is_static(self, reference: str, base: str) -> bool:
        """``$dynamicRef`` that does not name a ``$dynamicAnchor`` means what ``$ref`` means (JSON Schema 2020-12 §8.2.3.2)."""
        site = self.target(reference, base)
        if site is None:
            return False
        return self.resources.dynamic.get((self.resources.resource_of(*site), unquote(reference.partition("#")[2]))) != site

    def written(self, reference: str, at: Tokens, base: str) -> str | None:
        """The reference as a pointer seen from this file, or ``None`` when it stays as it is."""
        site = self.target(reference, base, at)
        if site is None:
            return None
        try:
            plain: Site | None = split_reference(reference, self.loaded.file)
        except (Outside, PointerMissing):
            plain = None
        if site == plain:
            return None
        fragment = fragment_of(site[1])
        if site[0] == self.loaded.file:
            return fragment
        return quote(posixpath.relpath(site[0], posixpath.dirname(self.loaded.file) or ".")) + fragment

    def target(self, reference: str, base: str, at: Tokens | None = None) -> Site | None:
        """The place a reference names, when it is in a file of the tree."""
        path, _, fragment = reference.partition("#")
        uri = _join(base, path) if path else base
        if uri not in self.resources.named:
            try:
                file, _tokens = split_reference(path, self.loaded.file)
            except (Outside, PointerMissing):
                return None
            if file not in self.resources.files:
                return None
            uri = self.resources.starts[file, ()]
        start = self.resources.named[uri]
        uri = self.resources.starts[start]
        if not fragment:
            return start
        if not fragment.startswith("/"):
            return self.resources.anchors.get((uri, unquote(fragment)))
        tokens = tokens_of("#" + fragment)
        if not start[1] or self.begins(start, tokens):
            return start[0], (*start[1], *tokens)
        if at is not None:
            text = f"The reference {reference[:200]!r} is read from the top of the file: the schema with $id it stands in has no such part."
            self.resources.findings.append(Finding("schema-id", "warning", text, pointer_of(at), self.loaded.file))
        return start[0], tokens

    def begins(self, start: Site, tokens: Tokens) -> bool:
        """Whether a resource has the first part of a pointer. What is wrong further on is found with the other references."""
        try:
            return tokens[0] in resolve(self.resources.files[start[0]].value, start[1])
        except (PointerMissing, TypeError):
            return False


def _as_reference(value: dict[str, Any]) -> dict[str, Any]:
    """The schema with its ``$dynamicRef`` as a plain reference."""
    rest = {name: member for name, member in value.items() if name != "$dynamicRef"}
    reference = {"$ref": value["$dynamicRef"]}
    if "$ref" not in rest:
        return {**reference, **rest}
    branches = rest["allOf"] if isinstance(rest.get("allOf"), list) else []
    return {**rest, "allOf": [*branches, reference]}


def fragment_of(tokens: Tokens) -> str:
    """A pointer as a fragment, so that reading it back percent-decodes to the same tokens."""
    return "#" + pointer_of(tokens).replace("%", "%25")
