"""A Git host says that something was pushed: signed as each host signs, refused without a detail, and never a second sync."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from catalog import actions, tasks, views_push
from catalog.models import Source, SyncRun
from catalog.push import secret_of, sender_of
from quotas import actions as quotas
from quotas.memory import MemoryLog
from tests.catalog.world import SOURCES, World

SECRET = "It's a Secret to Everybody"
BODY = b'{"ref": "refs/heads/main", "after": "0123456789abcdef"}'
ADDRESS = "/hooks/git/contact-center"


def digest(body: bytes = BODY, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


HOSTS: dict[str, dict[str, str]] = {
    "GitHub": {"X-Hub-Signature-256": f"sha256={digest()}", "X-GitHub-Event": "push"},
    "GitLab": {"X-Gitlab-Token": SECRET, "X-Gitlab-Event": "Push Hook"},
    # Gitea and Forgejo send GitHub's header beside their own.
    "Gitea": {"X-Gitea-Signature": digest(), "X-Gitea-Event": "push"},
    "Git host": {"X-Portal-Signature-256": f"sha256={digest()}"},
}


@pytest.fixture
def waiting(world: World, monkeypatch: pytest.MonkeyPatch, settings: Any) -> World:
    """A source that takes notifications, read a moment ago and not due."""
    monkeypatch.setenv("SPECS_PUSH_SECRET", SECRET)
    monkeypatch.setattr(quotas, "_alone", MemoryLog())
    settings.REDIS_URL = ""
    world.write_rules(sources=SOURCES % world.specs + "    push_secret: env:SPECS_PUSH_SECRET\n")
    world.everywhere({"genesys/queues/v2/openapi.json": "{}"})
    world.sync()
    Source.objects.update(due_at=timezone.now() + timedelta(hours=1))
    return world


def push(headers: dict[str, str], *, body: bytes = BODY, address: str = ADDRESS, content_type: str = "application/json") -> Any:
    # A browser's protections do not help here: there is no cookie, and the check of the form token is on.
    return Client(enforce_csrf_checks=True).post(address, body, content_type=content_type, headers=headers)


def is_due() -> bool:
    return Source.objects.get(name="contact-center").due_at <= timezone.now()


def started() -> list[Entry]:
    return list(Entry.objects.filter(action="sync:started"))


@pytest.mark.parametrize("host", HOSTS)
def test_each_host_makes_the_source_due_by_its_own_signature(waiting: World, host: str) -> None:
    answer = push(HOSTS[host])
    assert (answer.status_code, answer.json()) == (202, {"source": "contact-center"})
    assert is_due()
    (entry,) = started()
    assert (entry.actor_name, entry.subject, entry.data["via"], entry.remote) == (host, "contact-center", "push", "127.0.0.1")
    assert SECRET not in str(entry.data)
    tasks.sweep()
    run = SyncRun.objects.filter(source__name="contact-center").latest("pk")
    assert (run.trigger, run.requested_by) == ("push", host)


def test_githubs_own_example_holds() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sender_of({"X-Hub-Signature-256": signature}, b"Hello, World!", SECRET) == "GitHub"


def test_a_form_of_github_is_signed_as_it_came(waiting: World) -> None:
    body = b"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"
    headers = {"X-Hub-Signature-256": f"sha256={digest(body)}"}
    assert push(headers, body=body, content_type="application/x-www-form-urlencoded").status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": digest()},
        {"X-Hub-Signature-256": f"sha256={digest(secret='another')}"},
        {"X-Hub-Signature-256": f"sha256={digest(BODY + b' ')}"},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()},
        {"X-Gitlab-Token": ""},
        {"X-Gitlab-Token": digest()},
        {"X-Gitlab-Token": SECRET + "x"},
        {"X-Gitlab-Token": "ключ"},
        {"X-Gitea-Signature": f"sha256={digest()}"},
        {"X-Portal-Signature-256": digest()},
        {"Authorization": f"Bearer {SECRET}"},
    ],
)
def test_a_wrong_or_missing_signature_is_401_without_a_detail(waiting: World, headers: dict[str, str], caplog: Any) -> None:
    answer = push({name: value.encode().decode("latin-1") for name, value in headers.items()})
    assert answer.status_code == 401
    assert (answer.json()["code"], answer.json()["detail"]) == ("signature_refused", "The notification is not accepted.")
    assert not is_due()
    assert started() == []
    assert SECRET not in caplog.text


def test_unknown_and_not_configured_sources_get_the_same_404(waiting: World) -> None:
    answers = [push(HOSTS["GitHub"], address=f"/hooks/git/{name}") for name in ("rules", "nowhere", "Contact-Center")]
    waiting.write_rules(sources=SOURCES % waiting.specs)
    waiting.sync("rules")
    Source.objects.update(due_at=timezone.now() + timedelta(hours=1))
    answers.append(push(HOSTS["GitHub"]))
    told = [{name: value for name, value in answer.json().items() if name != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert told == [told[0]] * 4
    assert started() == []


def test_pushes_that_come_before_a_worker_are_one_sync_and_whoever_asked_first_stays(waiting: World) -> None:
    for host in ("GitLab", "GitHub", "GitHub"):
        assert push(HOSTS[host]).status_code == 202
    assert [entry.actor_name for entry in started()] == ["GitLab"]
    assert Source.objects.get(name="contact-center").requested_by == "GitLab"


def test_a_push_while_a_worker_reads_is_one_more_sync(waiting: World) -> None:
    claimed = actions.claim_due(names=["contact-center"], even_if_not_due=True)
    assert claimed is not None
    assert push(HOSTS["GitHub"]).status_code == 202
    actions.run_claimed(*claimed)
    assert is_due()


def test_a_mebibyte_is_taken_and_a_byte_more_is_413(waiting: World) -> None:
    whole = b"x" * views_push.BODY_LIMIT
    assert push({"X-Gitea-Signature": digest(whole)}, body=whole).status_code == 202
    answer = push({"X-Gitea-Signature": digest(whole + b"x")}, body=whole + b"x")
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (413, "payload_too_large", views_push.BODY_LIMIT)


def test_a_secret_that_cannot_be_read_is_503_and_names_nothing(waiting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPECS_PUSH_SECRET")
    for headers in (HOSTS["GitHub"], {"X-Gitlab-Token": ""}):
        answer = push(headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "secret_unavailable")
        assert "SPECS_PUSH_SECRET" not in answer.content.decode()
    assert not is_due()


def test_notifications_are_bounded_signed_or_not(waiting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_push, "FOR_ONE_SOURCE_A_MINUTE", 2)
    monkeypatch.setattr(views_push, "FROM_ONE_ADDRESS_A_MINUTE", 5)
    assert [push(HOSTS["GitHub"]).status_code for _ in range(3)] == [202, 202, 429]
    assert [push({}).status_code for _ in range(3)] == [401, 401, 429]
    last = push({})
    assert last.json()["code"] == "too_many_pushes"
    assert 1 <= int(last["Retry-After"]) <= 60


def test_only_a_post_is_a_notification(waiting: World) -> None:
    for method in ("get", "put", "delete", "head", "options"):
        assert getattr(Client(), method)(ADDRESS).status_code == 405


def test_a_secret_in_a_file_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    assert secret_of(f"file:{file}") is None
    file.write_text("first\n")
    assert secret_of(f"file:{file}") == "first"
    file.write_text("second")
    assert secret_of(f"file:{file}") == "second"
    file.write_bytes(b"\xff\xfe")
    assert secret_of(f"file:{file}") is None
    file.write_text("")
    assert secret_of(f"file:{file}") is None
    monkeypatch.setenv("PUSH", "")
    assert secret_of("env:PUSH") is None


def test_a_push_is_undone_with_its_entry(waiting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise RuntimeError("the log is away")

    monkeypatch.setattr("catalog.actions.sync.record", broken)
    with pytest.raises(RuntimeError, match="the log is away"):
        actions.request_sync_by_push("contact-center", sender="GitHub", remote="127.0.0.1")
    assert not is_due()
