"""Do the references lead anywhere? None is followed outside the document, whatever it names."""

from __future__ import annotations

from typing import Any

from specs.errors import PointerMissing
from specs.findings import Finding
from specs.shape import MAP, MAX_HOPS, Node, Tokens, members, pointer_of, reference_of, resolve, tokens_of, walk

_UNTYPED_ROOT = frozenset(("document", "components", "operation"))


def check_references(document: dict[str, Any], reported: set[str]) -> tuple[list[Finding], list[Finding], set[str]]:
    """(findings, references that lead outside, all internal targets as written). ``reported`` targets are left out."""
    check = _Check(document, reported)
    for node in walk(document):
        if isinstance(node.value, dict):
            check.node(node)
    return check.findings, check.outside, set(check.targets)


class _Check:
    def __init__(self, document: dict[str, Any], reported: set[str]) -> None:
        self.document = document
        self.reported = reported
        self.has_anchors = str(document.get("openapi", "")).startswith(("3.1", "3.2"))
        self.findings: list[Finding] = []
        self.outside: list[Finding] = []
        self.targets: dict[str, tuple[str, str] | None] = {}
        """Target → the rule it breaks and what is wrong with it, in words; ``None`` when nothing is."""

    def add(self, rule: str, level: Any, text: str, tokens: Tokens) -> None:
        self.findings.append(Finding(rule, level, text, pointer_of(tokens)))

    def node(self, node: Node) -> None:
        value = node.value
        if "$ref" in value and node.kind not in _UNTYPED_ROOT:
            self.reference(value["$ref"], node)
        if node.kind == "schema":
            self.schema(value, node.tokens)
        for name, how, _kind, member in members(node.kind, value):
            if how == MAP and isinstance(reference_of(member), str):
                text = "A whole map cannot be a reference; what it holds is not read."
                self.add("reference-misplaced", "error", text, (*node.tokens, name))

    def reference(self, target: Any, node: Node) -> None:
        tokens = (*node.tokens, "$ref")
        if not isinstance(target, str):
            self.add("reference-not-text", "error", "A reference is text.", tokens)
            return
        if not target.startswith("#"):
            text = f"The reference {target[:200]!r} was not followed: it leads outside the document."
            self.outside.append(Finding("reference-outside", "error", text, pointer_of(tokens)))
            return
        if target not in self.targets:
            self.targets[target] = self.judge(target, node)
        wrong = self.targets[target]
        if wrong is not None and target not in self.reported:
            self.add(wrong[0], "error", wrong[1], tokens)

    def judge(self, target: str, node: Node) -> tuple[str, str] | None:
        try:
            found = resolve(self.document, tokens_of(target))
        except PointerMissing:
            if node.kind == "schema" and not target.startswith("#/") and not self.has_anchors:
                return "anchor-not-followed", f"The anchor {target[:200]!r} is not read before OpenAPI 3.1; refer by JSON pointer."
            return "reference-dangling", f"The reference {target[:200]!r} leads nowhere."
        if not isinstance(found, dict | bool):
            return "reference-dangling", f"The reference {target[:200]!r} leads to a plain value."
        if reference_of(found) is not None:
            return self.judge_chain(target, found)
        return None

    def judge_chain(self, target: str, value: Any) -> tuple[str, str] | None:
        """A reference to a reference: a chain that dangles further on is judged there."""
        for _hop in range(MAX_HOPS):
            following = reference_of(value)
            if following is None or not following.startswith("#"):
                return None
            try:
                value = resolve(self.document, tokens_of(following))
            except PointerMissing:
                return None
        said = f"The reference {target[:200]!r} leads back to itself (a circle with nothing in it), or through too many others."
        return "reference-circle", said

    def schema(self, value: dict[str, Any], tokens: Tokens) -> None:
        if "$dynamicRef" in value or "$recursiveRef" in value:
            name = "$dynamicRef" if "$dynamicRef" in value else "$recursiveRef"
            self.add(
                "dynamic-reference",
                "warning",
                f"What {name} means here cannot be decided before a message is there; it is not checked.",
                (*tokens, name),
            )
        discriminator = value.get("discriminator")
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        for name, target in mapping.items() if isinstance(mapping, dict) else ():
            if isinstance(target, str) and not self.mapped(target):
                text = f"The discriminator's {name[:80]!r} names {target[:200]!r}, which is not in the document."
                self.add("discriminator-dangling", "warning", text, (*tokens, "discriminator", "mapping", name))

    def mapped(self, target: str) -> bool:
        pointer = target if target.startswith("#") else "#" + pointer_of(("components", "schemas", target))
        try:
            resolve(self.document, tokens_of(pointer))
        except PointerMissing:
            return False
        return True
