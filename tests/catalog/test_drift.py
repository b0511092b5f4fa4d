"""Standing comparisons: asked for by a publication, made behind a wall, told to the log."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from catalog import actions, comparing, tasks
from catalog.comparing import ComparisonFailed, compare_in_child
from catalog.models import Comparison, Drift
from tests.catalog.world import World, openapi, shown

QUEUES = "genesys/queues/v2/openapi.json"
TODAY = datetime.date(2026, 11, 1)


def told() -> list[str]:
    return [
        f"{entry.environment} against {entry.data['against']}: {entry.data['summary']}"
        for entry in Entry.objects.filter(action="drift:changed").order_by("pk")
    ]


def test_what_environments_show_is_compared_once_for_every_two_documents_in_both_directions(world: World) -> None:
    world.everywhere({QUEUES: openapi("/queues", "/old")})
    world.sync()
    assert Comparison.objects.count() == 0, "the same document everywhere costs nothing"
    world.write("staging", {QUEUES: openapi("/queues", "/new")})
    world.sync()
    assert set(Comparison.objects.values_list("state", flat=True)) == {"waiting"}
    assert actions.compare_due() == 2, "sandbox and production show the same document"
    staging, production = (shown(name)["genesys-queues-v2"].document.digest for name in ("staging", "production"))
    row = Comparison.objects.get(old_digest=production, new_digest=staging)
    assert (row.state, row.breaking, row.warning, row.info, row.due_at, row.lease_until) == ("compared", 1, 0, 1, None, None)
    assert row.value["operations"] == {"GET /old": [1, 0, 0], "GET /new": [0, 0, 1]}
    assert [change["text"] for change in row.value["changes"]] == [
        "The operation was removed with its path, without having been deprecated.",
        "The operation was added.",
    ]
    assert told() == ["staging against production: 1 breaking, 0 warning, 1 info", "sandbox against staging: 1 breaking, 0 warning, 1 info"]
    assert actions.compare_due() == actions.request_comparisons() == actions.tell_drift() == 0

    world.write("main", {QUEUES: openapi("/queues", "/new")})
    world.sync()
    assert told()[2:] == ["staging against production: in sync"], "told without any comparison"
    world.write("develop", {QUEUES: openapi("/queues", "/new")})
    world.sync()
    assert Comparison.objects.count() == 0, "what nobody looks at any more is forgotten"
    assert Entry.objects.filter(action="drift:changed").order_by("pk").last().data["before"] == "1 breaking, 0 warning, 1 info"  # type: ignore[union-attr]


def test_everything_is_derived_and_comes_back_when_dropped_or_when_the_rules_are_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.everywhere({QUEUES: openapi("/queues")})
    world.write("staging", {QUEUES: openapi("/queues", "/new")})
    world.sync()
    actions.compare_due()
    Comparison.objects.update(rules="older")
    Drift.objects.all().delete()
    monkeypatch.setattr(tasks, "_looked", -tasks.LOOK_EVERY_SECONDS)
    assert tasks.sweep() == 2
    assert set(Comparison.objects.values_list("rules", "state")) == {(comparing.RULES_VERSION, "compared")}
    assert Drift.objects.count() == 2


def test_a_comparison_that_fails_is_kept_with_its_reason_and_tried_again_on_another_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.everywhere({QUEUES: openapi("/queues")})
    world.write("staging", {QUEUES: openapi("/queues", "/new")})
    world.sync()
    monkeypatch.setattr(
        "catalog.actions.drift.compare_in_child",
        lambda old, new, today: compare_in_child(old, new, today, limits=replace(comparing.DEFAULT, answer_bytes=200)),
    )
    Comparison.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
    assert actions.compare_due() == 0, "another worker is at it"
    Comparison.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert actions.compare_due(seconds=0.01) == 1, "the time it was given is over after the first"
    assert actions.compare_due() == 1
    row = Comparison.objects.all()[0]
    assert (row.state, row.reason, row.lease_until) == ("failed", "What changed takes more than 200 bytes to say.", None)
    assert row.due_at is not None and row.due_at > timezone.now() + timedelta(hours=23)
    assert told()[0] == "staging against production: could not be compared: What changed takes more than 200 bytes to say."
    assert Entry.objects.filter(action="drift:changed", outcome="failed").count() == 2


def document(**members: object) -> bytes:
    operation = {"operationId": "old", "responses": {"200": {"description": "Fine."}}}
    return json.dumps(
        {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {"/old": {"get": operation | members}}}
    ).encode()


EMPTY = b'{"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}}'


def test_a_sunset_says_on_which_day_the_verdict_may_change() -> None:
    old = document(deprecated=True, **{"x-sunset": "2026-12-24"})
    before = compare_in_child(old, EMPTY, TODAY)
    assert (before.counts["breaking"], before.judge_again) == (1, datetime.date(2026, 12, 24))
    after = compare_in_child(old, EMPTY, datetime.date(2026, 12, 24))
    assert (after.counts["breaking"], after.counts["info"], after.judge_again) == (0, 1, None)


def test_changes_past_the_bound_are_counted_and_not_kept() -> None:
    found = compare_in_child(
        document(),
        EMPTY.replace(b'"paths": {}', b'"paths": {"/a": {"get": {"responses": {}}}}'),
        TODAY,
        limits=replace(comparing.DEFAULT, changes=1),
    )
    assert ([change["level"] for change in found.changes], sum(found.counts.values())) == (["breaking"], 2)


def test_a_child_that_asks_for_too_much_ends_with_a_sentence() -> None:
    with pytest.raises(ComparisonFailed, match="Comparing took more than 48 MB of memory"):
        compare_in_child(EMPTY + b" " * (64 << 20), EMPTY, TODAY, limits=replace(comparing.DEFAULT, memory_bytes=48 << 20))
    with pytest.raises(ComparisonFailed, match=r"Comparing took more than 0\.01 seconds\."):
        compare_in_child(EMPTY, EMPTY, TODAY, limits=replace(comparing.DEFAULT, wall_seconds=0.01))
    with pytest.raises(ComparisonFailed, match="The document has no end|JSON|YAML"):
        compare_in_child(EMPTY[:-1], EMPTY, TODAY)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"counts": {}}', b'{"counts": {"breaking": "x"}, "operations": 1, "changes": [], "judge_again": null}']
)
def test_an_answer_of_another_shape_is_a_failure(answer: bytes) -> None:
    with pytest.raises(ComparisonFailed, match="answered what it may not"):
        comparing._compared(answer, comparing.DEFAULT)
