"""Every rule speaks in one situation and is silent in others; levels are those practitioners use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specs.diff import LEVELS, REGISTRY, Deadlines, Rule
from specs.diff.phrases import PHRASES
from tests.specs.diff.samples import COMPATIBLE, DEADLINES, SAMPLES, changes, fired, holding
from tests.specs.diff.situations import SITUATIONS, deadlines_of

PEER_RULES = Path(__file__).resolve().parents[4] / "shared" / "data" / "diff-cases" / "rules.json"
PEER_LEVELS = {"ERR": "breaking", "WARN": "warning", "INFO": "info"}
LIMITS = frozenset(("too-many-changes",))
"""Rules about the comparison itself, tried where the limits are."""
REMARKS = {"other": "contains-added"}

Case = tuple[dict[str, Any], dict[str, Any], Deadlines]


def case_of(rule: Rule) -> Case:
    """Documents in which the rule speaks."""
    if rule.id in SITUATIONS:
        pair = SITUATIONS[rule.id]
        return pair[0], pair[1], deadlines_of(pair)
    kind = REMARKS.get(rule.kind, rule.kind)
    if kind == "type-compatible":
        old, new = COMPATIBLE[rule.direction] if rule.part in ("body", "property") else ({"type": "integer"}, {"type": "string"})
        old, new = (new, old) if rule.direction == "response" and rule.part == "header" else (old, new)
        media_type = "application/xml"
    else:
        old, new = SAMPLES[kind]
        media_type = "application/json"
    before, after = (holding(rule.direction, rule.part, schema, media_type) for schema in (old, new))
    return before, after, DEADLINES


RULES = [pytest.param(rule, id=rule.id) for rule in REGISTRY.rules.values() if rule.id not in LIMITS]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_speaks_where_it_should(rule: Rule) -> None:
    old, new, deadlines = case_of(rule)
    found = [change for change in changes(old, new, deadlines) if change.rule == rule.id]
    assert found, sorted(fired(old, new, deadlines))
    assert {change.level for change in found} == {rule.level}
    for change in found:
        assert change.text.endswith(".")
        assert "None" not in change.text
        assert "  " not in change.text


SYMMETRIC = frozenset(
    (
        *("multiple-of-changed", "default-value-changed", "const-changed", "pattern-changed", "dependent-required-changed"),
        *("content-media-type-changed", "content-encoding-changed", "discriminator-property-name-changed"),
        *("discriminator-mapping-changed", "type-changed", "other", "style-changed", "explode-changed", "content-changed"),
        *("encoding-changed", "media-type-name-changed", "operation-id-changed", "scheme-type-changed", "scheme-changed"),
        *("scheme-authorization-url-changed", "scheme-token-url-changed", "scheme-scope-changed", "dialect-changed", "sunset-invalid"),
        *("sunset-changed",),
    )
)
"""Kinds of differences that are the same the other way round."""


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_silent_where_nothing_it_speaks_of_changed(rule: Rule) -> None:
    old, new, deadlines = case_of(rule)
    assert fired(old, old, deadlines) == fired(new, new, deadlines) == set()
    if rule.kind in SYMMETRIC:
        other = case_of(next(one for one in REGISTRY.rules.values() if one.part == rule.part and one.kind not in (rule.kind, "too-many")))
        assert rule.id not in fired(*other)
    else:
        assert rule.id not in fired(new, old, deadlines)


@pytest.mark.parametrize("rule", [rule for rule in REGISTRY.rules.values() if rule.kind in SYMMETRIC], ids=lambda rule: rule.id)
def test_what_is_said_to_be_the_same_both_ways_is(rule: Rule) -> None:
    old, new, deadlines = case_of(rule)
    assert rule.id in fired(new, old, deadlines)


def test_the_table_is_sound() -> None:
    assert len(REGISTRY.rules) >= 150
    for rule in REGISTRY.rules.values():
        assert rule.level in LEVELS
        assert rule.summary.endswith(".")
        assert rule.summary[0].isupper()
        assert rule.kind in PHRASES or rule.kind == "other"
    assert set(SITUATIONS) <= set(REGISTRY.rules)


def test_every_kind_of_difference_is_judged_everywhere() -> None:
    """What has no rule of its own at a part falls to the part's last rule; nothing is dropped."""
    for direction, part in (("request", "body"), ("request", "property"), ("response", "body"), ("response", "property")):
        judged = {rule.kind for rule in REGISTRY.rules.values() if (rule.direction, rule.part) == (direction, part)}
        missing = set(SAMPLES) - judged - ({"type-specialized"} if direction == "request" else set())
        assert missing == set(), (direction, part)
    for part in ("parameter", "parameter-property", "header"):
        assert any(rule.part == part and rule.kind == "other" for rule in REGISTRY.rules.values())
    for direction, part in (("request", "parameter"), ("request", "parameter-property"), ("response", "header")):
        for old, new in SAMPLES.values():
            assert fired(holding(direction, part, old), holding(direction, part, new))


ONE_SIDED = {
    "default-value": "A default is said of what is left out; neither side refuses anything by it.",
    "discriminator": "A discriminator names the branch; the branches refuse or let through.",
    "annotation-only": "A remark refuses nothing.",
    "all-of": "Practitioners judge a response by its properties, not by the schemas they are written in.",
    "any-of": "Practitioners tell a new alternative of a response, and do not break the build for it.",
    "pattern": "Clients seldom check what they receive against a pattern.",
    "changed": "What is another value now is neither wider nor narrower.",
    "wrapped-in-one-of": "A choice refuses what fits two alternatives, and answers what fits neither as it was.",
    "enum-value": "Clients are told to expect new values: a warning; values that go away surprise nobody.",
    "no-longer-enum": "As a new value of an enum: a warning.",
    "unset": "Warned of where clients seldom rely on the bound.",
    "additional-properties": "Warned of: clients seldom rely on the absence of what they do not know.",
    "not-": "Warned of: clients seldom rely on what a value is not.",
    "type-specialized": "Requests have one word for it, with type-changed.",
    "set": "A bound that is new may be one that always held: a warning.",
}


@pytest.mark.parametrize("part", ["body", "property"])
def test_what_narrows_breaks_requests_and_what_widens_breaks_responses(part: str) -> None:
    """A kind that is breaking in one direction is harmless in the other, but for what is waived with a reason."""
    levels: dict[str, dict[str, str]] = {}
    for rule in REGISTRY.rules.values():
        if rule.part == part and rule.kind in SAMPLES and "-only-" not in rule.id:
            levels.setdefault(rule.kind, {})[rule.direction] = rule.level
    lopsided = {kind: both for kind, both in levels.items() if sorted(both.values()) != ["breaking", "info"]}
    assert {kind: both for kind, both in lopsided.items() if not any(word in kind for word in ONE_SIDED)} == {}
    assert [word for word in ONE_SIDED if not any(word in kind for kind in lopsided)] == []


@pytest.mark.skipif(not PEER_RULES.is_file(), reason=f"no rules of oasdiff at {PEER_RULES}")
def test_ids_that_oasdiff_has_too_have_its_level() -> None:
    peer = json.loads(PEER_RULES.read_text())
    shared = REGISTRY.rules.keys() & peer.keys()
    assert len(shared) >= 500
    assert {rule for rule in shared if REGISTRY.rules[rule].level != PEER_LEVELS[peer[rule]["level"]]} == set()
    assert peer.keys() - shared == {"api-version-not-bumped", "api-major-version-not-bumped"}
