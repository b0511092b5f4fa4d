from __future__ import annotations

import threading
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog import actions
from catalog.models import SyncRun
from tests.catalog.world import World, openapi, shown

QUEUES = "genesys/queues/v2/openapi.json"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("sync", *arguments, stdout=out)
    return out.getvalue()


def test_one_command_reads_the_rules_and_every_source_they_name(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    lines = run().splitlines()
    assert lines[0].startswith("rules: published. The rules at ")
    assert lines[1] == "contact-center: published. sandbox: 1 published. staging: 1 published. production: 1 published."
    assert set(shown("production")) == {"genesys-queues-v2"}
    assert run("contact-center") == "contact-center: unchanged. Nothing has changed.\n"
    assert SyncRun.objects.filter(trigger="command").count() == 3


def test_what_is_refused_ends_the_command_with_1(world: World) -> None:
    world.everywhere({QUEUES: "openapi: 3.0.3\ninfo: [\n"})
    with pytest.raises(SystemExit) as ended:
        run("--wait")
    assert ended.value.code == 1


def test_a_source_nobody_named_is_said(world: World) -> None:
    with pytest.raises(CommandError, match="no source 'nothing'"):
        run("nothing")


def test_a_portal_without_rules_says_what_to_set(db: None) -> None:
    with pytest.raises(CommandError, match="PORTAL_RULES"):
        run()


@pytest.mark.django_db(transaction=True)
def test_waiting_follows_the_worker_that_is_already_reading(world: World) -> None:
    world.everywhere({QUEUES: openapi()})
    run("rules")
    claimed = actions.claim_due(names=["contact-center"])
    assert claimed is not None
    assert run("contact-center") == "contact-center: another worker is reading it.\n"

    def work() -> None:
        time.sleep(0.5)
        actions.run_claimed(*claimed)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    told = run("contact-center", "--wait")
    worker.join()
    assert told.startswith("contact-center: ")
    assert SyncRun.objects.filter(outcome="published", trigger="timer").count() == 1
    assert set(shown("production")) == {"genesys-queues-v2"}
