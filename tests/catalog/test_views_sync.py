from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from catalog import actions, tasks
from catalog.models import Source, SyncRun
from tests.catalog import repositories
from tests.catalog.world import World, openapi
from tests.conftest import Person

QUEUES = "genesys/queues/v2/openapi.json"


@pytest.fixture
def platform(world: World, sign_in: Callable[..., Person]) -> Client:
    world.everywhere({QUEUES: openapi()})
    world.sync()
    return sign_in("petra", groups=["platform-team"]).client


def page(client: Client, **headers: str) -> str:
    response = client.get("/sync", headers=headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_every_source_and_branch_stands_with_its_last_and_last_good_commit(platform: Client, world: World) -> None:
    commit = repositories.head(world.specs, "main")
    text = page(platform)
    assert str(world.specs) in text
    assert str(world.rules) in text
    assert text.count(f'title="{commit}"') == 6  # last and last good, in three environments
    assert "3 environments, 2 platforms, 1 source and 3 groups" in text
    assert "hx-trigger" not in text.split('id="sync"')[1]


def test_a_refused_document_is_listed_with_file_line_and_reason(platform: Client, world: World) -> None:
    good = repositories.head(world.specs, "staging")
    world.write("staging", {QUEUES: '{"openapi": "3.0.3",\n "info": {"title": "<script>", }}'})
    world.sync("contact-center")
    text = page(platform)
    assert f"{QUEUES}:2" in text
    assert f'In force: its revision of <code title="{good}">' in text
    assert "Last commit without refusals" in text
    assert "staging: 1 refused." in text
    assert "<script>" not in text.split('id="sync"')[1]


def test_refused_rules_are_listed_with_file_and_line_and_what_is_in_force(platform: Client, world: World) -> None:
    sound = repositories.head(world.rules, "main")
    bad = world.write_rules(access="groups:\n  x:\n    role: boss\n")
    world.sync("rules")
    text = page(platform)
    assert "access.yaml:3" in text
    assert f'title="{sound}"' in text
    assert f'title="{bad}"' in text


def test_the_button_makes_the_source_due_with_and_without_script(platform: Client) -> None:
    response = platform.post("/sync/contact-center")
    assert (response.status_code, response["Location"]) == (302, "/sync#source-contact-center")
    text = page(platform)
    assert "waiting for a worker" in text
    assert 'hx-trigger="every' in text
    tasks.sweep()
    assert "waiting for a worker" not in page(platform)
    run = SyncRun.objects.latest("pk")
    assert (run.trigger, run.requested_by) == ("person", "Petra")
    response = platform.post("/sync/contact-center", headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert b"<html" not in response.content
    assert b"waiting for a worker" in response.content
    assert platform.post("/sync/nothing").status_code == 404
    assert platform.get("/sync/contact-center").status_code == 405


def test_progress_is_shown_while_a_worker_reads(platform: Client) -> None:
    claimed = actions.claim_due(names=["contact-center"], even_if_not_due=True)
    assert claimed is not None
    SyncRun.objects.create(source=claimed[0], trigger="timer", step="production: a/b.yaml", done=3, total=12)
    text = page(platform)
    assert "production: a/b.yaml · 3 of 12 documents" in text
    assert 'value="3" max="12"' in text
    Source.objects.update(lease_until=None)
    assert "3 of 12" not in page(platform)


def test_the_page_is_the_platform_teams(world: World, sign_in: Callable[..., Person], make_grants: Callable[..., None]) -> None:
    make_grants()
    for subject, groups in (("dora", ["sandbox-developers"]), ("arno", ["integration-architects"])):
        client = sign_in(subject, groups=groups).client
        assert client.get("/sync").status_code == 403
        assert client.post("/sync/rules").status_code == 403
    assert "Set PORTAL_RULES" in page(sign_in("petra", groups=["platform-team"]).client)


def test_the_page_costs_the_same_however_many_sources_there_are(
    platform: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(13):
        page(platform)
    lines = [f"  more{number}:\n    git: {world.specs}\n    branches: {{staging: main}}\n" for number in range(8)]
    world.write_rules(sources=f"sources:\n{''.join(lines)}")
    world.sync("rules", *(f"more{number}" for number in range(8)))
    with django_assert_max_num_queries(13):
        assert "already publishes" in page(platform)
