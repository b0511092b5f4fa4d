from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import AsyncClient, Client

from audit.actions import Actor, record
from audit.models import Entry
from audit.sealing import seal_next, write_checkpoints

ANN = Actor(id="7", name="Ann Example", session="s")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, settings: Any) -> None:
    settings.PORTAL_HOME = tmp_path


def call(subject: str, *, answered: bool = True, environment: str = "staging", request_id: str = "") -> int:
    number = record(
        "call:sent",
        by=ANN,
        outcome="intent",
        subject=subject,
        api="genesys-x-v1",
        environment=environment,
        method="GET",
        path="/a",
        request_id=request_id,
    )
    if answered:
        record(
            "call:answered",
            by=ANN,
            subject=subject,
            api="genesys-x-v1",
            environment=environment,
            method="GET",
            path="/a",
            status=200,
            request_id=request_id,
        )
    return number


def get(client: Client, address: str, status: int = 200) -> Any:
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.json()


def test_only_the_platform_team_reads_the_log(client: Client, owner: Any, platform_person: Any) -> None:
    for address in ("/audit", "/api/v1/audit", "/api/v1/audit/verify", "/api/v1/audit/export"):
        assert client.get(address).status_code in {302, 401}
        refused = owner.client.get(address)
        assert refused.status_code == 403
        assert b"platform-team" in refused.content
        assert platform_person.client.get(address).status_code == 200
    assert owner.client.post("/audit/verify").status_code == 403


def test_entries_come_newest_first_and_every_facet_narrows(platform_person: Any) -> None:
    first = call("c1", request_id="r1")
    call("c2", environment="production")
    record("token:refused", by=Actor(id="8", name="Bob"), outcome="refused", code="scope_forbidden", platform="genesys", reason="no")
    got = get(platform_person.client, "/api/v1/audit?actor=ann%20example&environment=staging&api=genesys-x-v1")["results"]
    assert [item["action"] for item in got] == ["call:answered", "call:sent"]
    assert got[1]["text"] == "Ann Example sends GET /a to genesys-x-v1 in staging"
    assert got[1]["id"] == first
    for query, count in [
        ("action=call", 4),
        ("action=call:sent", 2),
        ("outcome=refused", 1),
        ("request_id=r1", 2),
        ("actor=8", 1),
        ("since=2999-01-01", 0),
    ]:
        assert len(get(platform_person.client, f"/api/v1/audit?{query}")["results"]) == count, query
    assert get(platform_person.client, "/api/v1/audit?until=2001-01-01T00:00:00%2B01:00")["results"] == []


def test_the_actor_is_found_by_a_part_of_the_name_and_the_environment_in_any_case(platform_person: Any) -> None:
    call("c1")
    for query, count in [("actor=EXAM", 2), ("actor=nobody", 0), ("environment=Staging", 2), ("environment=stag", 0)]:
        assert len(get(platform_person.client, f"/api/v1/audit?action=call&{query}")["results"]) == count, query


def test_the_page_offers_what_is_known_and_names_a_wrong_filter_as_it_labels_it(platform_person: Any) -> None:
    call("c1")
    page = platform_person.client.get("/audit").content.decode()
    assert '<option value="genesys-x-v1">' in page
    assert '<optgroup label="token">' in page
    assert "token:issued · Somebody got a token for …" in page
    wrong = platform_person.client.get("/audit?since=yesterday").content.decode()
    assert "From (UTC) must be a date" in wrong
    assert "Nothing matches" not in wrong


def test_an_intent_without_an_outcome_is_shown_as_such(platform_person: Any) -> None:
    call("c1")
    lost = call("c2", answered=False)
    got = get(platform_person.client, "/api/v1/audit?action=call:sent")["results"]
    assert [(item["subject"], item["outcome"]) for item in got] == [("c2", "open"), ("c1", "intent")]
    assert [item["id"] for item in get(platform_person.client, "/api/v1/audit?outcome=open")["results"]] == [lost]
    assert b"no outcome yet" in platform_person.client.get(f"/audit?entry={lost}").content


def test_pages_follow_each_other_while_entries_arrive(platform_person: Any) -> None:
    for number in range(130):
        call(f"c{number}")
    seen: list[int] = []
    address: str | None = "/api/v1/audit?action=call"
    while address:
        got = get(platform_person.client, address)
        seen += [item["id"] for item in got["results"]]
        address = got["next"]
        call("newer")
    assert len(seen) == len(set(seen)) == 260
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "query",
    ["since=yesterday", "outcome=fine", "actor=%00", "cursor=x", "cursor=-1", "cursor=" + "9" * 30, "until=2026-13-45", "api=" + "x" * 300],
)
def test_a_filter_that_cannot_be_read_is_refused(platform_person: Any, query: str) -> None:
    assert get(platform_person.client, f"/api/v1/audit?{query}", 400)["code"] == "malformed"
    assert platform_person.client.get(f"/audit?{query}").status_code == 400


def test_the_page_keeps_every_choice_in_the_address_and_opens_an_entry_beside_its_request(platform_person: Any) -> None:
    number = call("c1", request_id="r1")
    seal_next()
    page = platform_person.client.get(f"/audit?environment=staging&action=call&entry={number}").content.decode()
    assert 'value="staging"' in page
    assert f"?action=call&amp;environment=staging&amp;entry={number}" in page
    assert "was answered with 200" in page, "the entry of the same request"
    assert "under a seal" in page
    part = platform_person.client.get(f"/audit?entry={number}", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert f"Entry {number}" in part
    back = platform_person.client.get(f"/audit?entry={number}", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode(), "Back brings the whole page again"


def test_hostile_text_is_shown_as_text(platform_person: Any) -> None:
    number = record("hook:created", by=Actor(name="<script>alert(1)</script>"), subject="</td>", name="<b>", profile="nice")
    page = platform_person.client.get(f"/audit?entry={number}").content.decode()
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_the_page_says_how_far_the_chain_is_verified(platform_person: Any) -> None:
    call("c1")
    seal = seal_next()
    assert seal is not None
    assert b"not verified yet" in platform_person.client.get("/audit").content
    answer = platform_person.client.post("/audit/verify", follow=True)
    assert f"Chain verified to entry {seal.last_entry:,}" in answer.content.decode()
    got = get(platform_person.client, "/api/v1/audit/verify")
    assert (got["ok"], got["sealed_to"], got["problems"]) == (True, seal.last_entry, [])
    _alter()
    got = get(platform_person.client, "/api/v1/audit/verify")
    assert (got["ok"], got["problems"][0]["kind"]) == (False, "entry_altered")
    assert b"The log was altered" in platform_person.client.get("/audit").content


def _alter() -> None:
    triggers = import_module("audit.migrations.0003_append_only")
    triggers.unprotect(connection)
    Entry.objects.filter(action="call:sent").update(actor_name="nobody")
    triggers.protect(connection)


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_an_export_is_itself_an_entry_and_holds_what_was_asked_for(platform_person: Any) -> None:
    call("c1")
    call("c2", environment="production")
    response = platform_person.client.get("/api/v1/audit/export?format=jsonl&environment=staging")
    lines = [orjson.loads(line) for line in body(response).splitlines()]
    assert [line["action"] for line in lines] == ["call:sent", "call:answered"]
    assert "attachment" in response["Content-Disposition"]
    entry = Entry.objects.get(action="audit:exported")
    assert entry.data == {"format": "jsonl", "entries": 2, "filters": {"environment": "staging"}, "via": "cookie"}
    assert entry.actor == str(platform_person.account.pk)
    assert platform_person.client.get("/api/v1/audit/export?format=xlsx").status_code == 400


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil","x")'])
def test_no_cell_of_the_csv_is_a_formula(platform_person: Any, text: str) -> None:
    record("hook:created", by=Actor(name=text), subject=text, name=text, profile="nice")
    rows = list(csv.DictReader(io.StringIO(body(platform_person.client.get("/api/v1/audit/export?format=csv&action=hook")))))
    assert rows[0]["actor_name"] == "'" + text
    assert json.loads(rows[0]["data"])["name"] == text
    assert not any(value.startswith(("=", "+", "-", "@")) for value in rows[0].values())


def test_a_long_export_is_streamed_in_pieces_under_both_kinds_of_server(platform_person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from audit import export

    monkeypatch.setattr(export, "CHUNK", 10)
    for number in range(17):
        call(f"c{number}")
    response = platform_person.client.get("/api/v1/audit/export?action=call")
    pieces = list(response.streaming_content)
    assert len(pieces) == 1 + 4
    assert len(b"".join(pieces).splitlines()) == 34


@pytest.mark.django_db(transaction=True)
def test_an_export_is_streamed_by_the_asynchronous_server_too(platform_person: Any) -> None:
    for number in range(3):
        call_in_transaction(f"c{number}")

    async def work() -> list[bytes]:
        browser = AsyncClient()
        browser.cookies = platform_person.client.cookies
        response: Any = await browser.get("/api/v1/audit/export?action=call")
        assert response.status_code == 200
        try:
            return [piece async for piece in response.streaming_content]
        finally:
            await sync_to_async(connections.close_all)()

    assert len(b"".join(asyncio.run(work())).splitlines()) == 6


def call_in_transaction(subject: str) -> None:
    from django.db import transaction

    with transaction.atomic():
        call(subject)


def test_the_commands_verify_and_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call("c1")
    seal_next()
    write_checkpoints()
    out = io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert "Nothing was altered: 2 entries compared" in out.getvalue()
    target = tmp_path / "log.csv"
    call_command("audit", "export", "--format", "csv", "--action", "call", "--output", str(target), stdout=out)
    assert len(target.read_bytes().splitlines()) == 3
    assert Entry.objects.get(action="audit:exported").data["via"] == "command"
    with pytest.raises(CommandError, match="since must be"):
        call_command("audit", "export", "--since", "soon", stdout=out)
    _alter()
    with pytest.raises(CommandError, match="not what was sealed"):
        call_command("audit", "verify", stdout=out)
    assert "entry_altered: Entry" in out.getvalue()


def test_reading_a_page_costs_a_fixed_number_of_queries(platform_person: Any, django_assert_max_num_queries: Callable[..., Any]) -> None:
    for number in range(60):
        call(f"c{number}", answered=number % 2 == 0)
    with django_assert_max_num_queries(14):
        platform_person.client.get("/audit")
