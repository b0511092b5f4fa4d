"""Reading a rules file with the place of everything in it. Strict: what is not understood is a finding, never a guess."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import yaml

from catalog.rules import RuleFinding

MAX_BYTES = 262_144
MAX_DEPTH = 20


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core scalars: ``on``, ``no``, ``012`` and dates stay strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, object]]] = {}


def _resolve(tag: str, pattern: str, first: str) -> None:
    # The argument order and the regular expression type are PyYAML's.
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", yaml.resolver.re.compile(pattern), list(first))  # type: ignore[attr-defined]


_resolve("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"^(?:~|null|Null|NULL|)$", "~nN\0")
_resolve("int", r"^(?:0|-?[1-9][0-9]{0,15})$", "-0123456789")
_resolve("float", r"^-?(?:0|[1-9][0-9]*)?\.[0-9]+$", "-.0123456789")

Entry = tuple[yaml.Node, yaml.Node]


@dataclass(slots=True)
class Reader:
    """One file. Every method takes a node, says what is wrong with it, and returns a usable value or None."""

    file: str
    findings: list[RuleFinding] = field(default_factory=list)

    def say(self, rule: str, text: str, node: yaml.Node | None = None, *, level: str = "error") -> None:
        mark = node.start_mark if node is not None else None
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        self.findings.append(RuleFinding(rule, level, text, self.file, line, column))

    def document(self, text: str) -> yaml.Node | None:
        """The root node, or None after saying why there is none."""
        if len(text.encode("utf-8", "replace")) > MAX_BYTES:
            self.say("too-large", f"The file is larger than {MAX_BYTES} bytes.")
            return None
        try:
            if not self._bounded(text):
                return None
            return yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
            place = (mark.line + 1, mark.column + 1) if mark else (None, None)
            self.findings.append(RuleFinding("yaml", "error", f"Not YAML: {problem}.", self.file, *place))
            return None

    def _bounded(self, text: str) -> bool:
        """Depth, aliases and tags are judged on events, before anything is built."""
        depth = documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            mark = event.start_mark
            place = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.findings.append(RuleFinding("one-document", "error", "The file holds more than one document.", self.file, *place))
                    return False
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                self.findings.append(RuleFinding("alias", "error", "Anchors and aliases are not read in rules.", self.file, *place))
                return False
            if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None):
                self.findings.append(RuleFinding("tag", "error", "Tags are not read in rules.", self.file, *place))
                return False
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                self.findings.append(RuleFinding("depth", "error", f"Nested deeper than {MAX_DEPTH}.", self.file, *place))
                return False
        return True

    def mapping(self, node: yaml.Node | None, what: str, known: Sequence[str] | None = None) -> dict[str, Entry]:
        """Keys to (key node, value node). ``known`` refuses other keys and suggests the nearest."""
        if node is None or self.null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.say("type", f"{what} must be a mapping.", node)
            return {}
        found: dict[str, Entry] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.say("type", f"A key of {what} must be text.", key)
                continue
            name = key.value
            if name in found:
                first = found[name][0].start_mark.line + 1
                self.say("duplicate-key", f"{name!r} stands twice in {what}; the first is on line {first}.", key)
                continue
            if known is not None and name not in known:
                self.say("unknown-key", f"{what} has no key {name!r}.{suggestion(name, known)}", key)
                continue
            found[name] = (key, value)
        return found

    def null(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"

    def string(self, node: yaml.Node, what: str, *, limit: int = 1_000) -> str | None:
        """Text; numbers are read as they are written (a version ``3.10`` stays ``3.10``)."""
        if not isinstance(node, yaml.ScalarNode) or node.tag in {"tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"}:
            self.say("type", f"{what} must be text.", node)
            return None
        value: str = node.value
        if len(value) > limit or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
            self.say("type", f"{what} must be one line of at most {limit} characters.", node)
            return None
        return value

    def boolean(self, node: yaml.Node, what: str) -> bool | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:bool":
            return bool(node.value.lower() == "true")
        self.say("type", f"{what} must be true or false.", node)
        return None

    def integer(self, node: yaml.Node, what: str, *, minimum: int, maximum: int) -> int | None:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:int" and minimum <= int(node.value) <= maximum:
            return int(node.value)
        self.say("range", f"{what} must be a whole number from {minimum} to {maximum}.", node)
        return None

    def choice(self, node: yaml.Node, what: str, choices: Sequence[str]) -> str | None:
        value = self.string(node, what)
        if value is None or value in choices:
            return value
        self.say("unknown-value", f"{what} must be one of {', '.join(choices)}, not {value!r}.{suggestion(value, choices)}", node)
        return None

    def strings(self, node: yaml.Node, what: str) -> list[tuple[yaml.Node, str]]:
        """A list of different texts, each with its node."""
        if self.null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.say("type", f"{what} must be a list.", node)
            return []
        found: list[tuple[yaml.Node, str]] = []
        for item in node.value:
            value = self.string(item, f"An item of {what}")
            if value is not None and any(value == other for _, other in found):
                self.say("duplicate-item", f"{value!r} stands twice in {what}.", item, level="warning")
            elif value is not None:
                found.append((item, value))
        return found


def suggestion(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?``, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
