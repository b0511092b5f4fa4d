"""Lint: what a sound document could say better. Rules in ``registry``, their levels set by ``configuration``.

Nothing a rule finds keeps a document from being published; a sync does not lint. ``specs check`` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specs.findings import Finding
from specs.lint.registry import LINT_RULES
from specs.lint.view import Found, Rule, Setting, View
from specs.shape import Tokens, pointer_of
from specs.upgrade import original_tokens

MAX_PER_RULE = 50
"""Places listed for one rule; how many more there are is said."""

__all__ = ["MAX_PER_RULE", "lint"]


def lint(
    original: dict[str, Any], document: dict[str, Any], version: str, targets: set[str], levels: Mapping[str, Setting]
) -> list[Finding]:
    """What the rules find. ``document`` is ``original`` upgraded to 3.x; findings have pointers into ``original``.

    ``levels`` re-levels rules by id or turns them off; the others have the level of the registry.
    """
    view = View(document, version, targets)
    run = _Run(original, levels)
    for rule in LINT_RULES:
        if levels.get(rule.id) != "off":
            for subject in view.operations if rule.subject == "operation" else view.nodes[rule.subject]:
                for found in rule.check(view, subject):
                    run.take(rule, found)
    return run.findings()


class _Run:
    def __init__(self, original: dict[str, Any], levels: Mapping[str, Setting]) -> None:
        self.original = original
        self.levels = levels
        self.found: dict[Rule, dict[tuple[Tokens, str], None]] = {}
        self.more: dict[Rule, int] = {}

    def take(self, rule: Rule, found: Found) -> None:
        listed = self.found.setdefault(rule, {})
        place = (self.origin(found.tokens), found.text)
        if place in listed:
            return
        if len(listed) < MAX_PER_RULE:
            listed[place] = None
        else:
            self.more[rule] = self.more.get(rule, 0) + 1

    def origin(self, tokens: Tokens) -> Tokens:
        if "swagger" in self.original and tokens[:1] == ("servers",):
            return ("host",) if "host" in self.original else ()
        return original_tokens(self.original, tokens)

    def findings(self) -> list[Finding]:
        findings: list[Finding] = []
        for rule, listed in self.found.items():
            setting = self.levels.get(rule.id, rule.level)
            level = rule.level if setting == "off" else setting
            findings.extend(Finding(rule.id, level, text, pointer_of(tokens)) for tokens, text in listed)
            if (more := self.more.get(rule, 0)) > 0:
                places = "place is" if more == 1 else "places are"
                findings.append(Finding(rule.id, level, f"{rule.summary}: {more:,} more {places} not listed."))
        return findings
