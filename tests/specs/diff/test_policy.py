"""What a repository says in ``.portal-diff.yaml``: other levels, accepted changes, deadlines; what is wrong with it is told."""

from __future__ import annotations

import datetime

import pytest

from specs.diff.changes import Change
from specs.diff.policy import Policy, apply, read_policy
from specs.errors import UsageWrong
from tests.specs.diff.samples import TODAY, changes
from tests.specs.diff.situations import SITUATIONS, parameter

REMOVED = "request-parameter-removed"


def policy(text: str) -> Policy:
    return read_policy(text.encode(), ".portal-diff.yaml")


def removed() -> list[Change]:
    pair = SITUATIONS[REMOVED]
    return changes(pair[0], pair[1])


def test_a_rule_gets_another_level() -> None:
    outcome = apply(policy(f"levels: {{{REMOVED}: breaking}}"), removed(), TODAY)
    assert [(change.rule, change.level) for change in outcome.changes] == [(REMOVED, "breaking")]


def test_a_rule_that_is_off_says_nothing() -> None:
    assert apply(policy(f"levels: {{{REMOVED}: off}}"), removed(), TODAY).changes == []


@pytest.mark.parametrize(
    ("about", "accepted"),
    [
        ("", True),
        (", operation: POST /things", True),
        (', operation: "* /th*"', True),
        (", operation: POST /", False),
        (", location: request.query.q", True),
        (', location: "request.query.*"', True),
        (', location: "request.q[u]ery.q"', False),
    ],
)
def test_an_accepted_change_no_longer_counts(about: str, accepted: bool) -> None:
    outcome = apply(policy(f"accept: [{{rule: {REMOVED}, reason: Nobody used it., until: 2026-06-15{about}}}]"), removed(), TODAY)
    assert (outcome.changes == []) is accepted
    assert [acceptance.reason for _change, acceptance in outcome.accepted] == (["Nobody used it."] if accepted else [])


def test_an_acceptance_ends_and_says_so() -> None:
    text = f"accept: [{{rule: {REMOVED}, reason: For now., until: 2026-06-14}}]"
    outcome = apply(policy(text), removed(), TODAY)
    assert len(outcome.changes) == 1
    assert outcome.notes == [f"The acceptance of {REMOVED} ended on 2026-06-14 and no longer holds."]


def test_an_acceptance_that_fits_nothing_is_named() -> None:
    outcome = apply(policy(f"accept: [{{rule: {REMOVED}, reason: Once., until: 2027-01-01, operation: GET /gone}}]"), removed(), TODAY)
    assert outcome.notes == [f"The acceptance of {REMOVED} GET /gone fits no change; it can go."]


def test_deadlines_ask_for_a_sunset() -> None:
    assert policy("deprecation: {stable: 180, beta: 31}").days == {"stable": 180, "beta": 31}
    assert policy("{}") == Policy()
    found = changes(parameter(), parameter(deprecated=True))
    assert [change.rule for change in found] == ["request-parameter-deprecated"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("levels: {no-such-rule: info}", "there is no rule 'no-such-rule'"),
        (f"levels: {{{REMOVED}: fatal}}", f"{REMOVED} is 'fatal', which is none of breaking, warning, info, off"),
        (f"levels: [{REMOVED}]", "this is an object of rules and levels"),
        ("accept: {}", "this is a list"),
        ("accept: [7]", "accept 1: this is an object"),
        (f"accept: [{{rule: {REMOVED}, until: 2027-01-01}}]", "reason is missing"),
        (f"accept: [{{rule: {REMOVED}, reason: x}}]", "until is a day"),
        (f"accept: [{{rule: {REMOVED}, reason: x, until: next year}}]", "until is a day"),
        (f"accept: [{{rule: {REMOVED}, reason: x, until: 2027-01-01, operation: [a]}}]", "operation is text"),
        (f"accept: [{{rule: {REMOVED}, reason: x, until: 2027-01-01, path: /a}}]", "'path' is not one of"),
        ("accept: [{rule: nothing, reason: x, until: 2027-01-01}]", "there is no rule 'nothing'"),
        ("deprecation: {stable: soon}", "stable is a number of days"),
        ("deprecation: {steady: 3}", "'steady' is not one of"),
        ("rules: {}", "'rules' is not one of"),
        ("[]", "the file: this is an object"),
        ("levels: {a: info, a: info}", "stands here a second time"),
        ("levels: {", "not-yaml"),
        ("", "The file is empty"),
        ("a" * (1 << 20) + "a", "1,048,577 bytes"),
    ],
)
def test_what_is_wrong_with_it_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageWrong) as caught:
        policy(text)
    assert told in str(caught.value)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageWrong) as caught:
        policy("levels: {one: info, two: info}\naccept: [{rule: three, until: x}]")
    assert [word in str(caught.value) for word in ("'one'", "'two'", "'three'", "reason", "until")] == [True] * 5


def test_the_day_itself_still_counts() -> None:
    text = f"accept: [{{rule: {REMOVED}, reason: x, until: 2026-06-15}}]"
    assert apply(policy(text), removed(), TODAY).changes == []
    assert len(apply(policy(text), removed(), TODAY + datetime.timedelta(days=1)).changes) == 1
