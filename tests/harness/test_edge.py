from __future__ import annotations

import gzip
import json
import re
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.utils import timezone

from audit.selectors import Facets, page
from harness import edge, selectors
from harness.actions import endpoints, receiving
from harness.models import Delivery, HookEndpoint
from harness.tasks import sweep
from portal.edge.guard import Guard
from quotas import actions as quota_actions
from quotas.memory import MemoryLog
from tests.harness.signing import signature
from tests.serving import served, talk

SECRET = "a webhook secret of 30 letters"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_actions, "_alone", MemoryLog())


@pytest.fixture
def port() -> Iterator[int]:
    with served(Guard(edge.application, body_limit=lambda _path: None)) as number:
        yield number


@pytest.fixture
def hook(owner: Any) -> HookEndpoint:
    return endpoints.create_endpoint(by=owner.caller, name="orders", profile="genesys", secret=SECRET, debug=True)


def path_of(hook: HookEndpoint) -> str:
    return "/in/" + selectors.address(hook).rsplit("/", 1)[1]


def request(path: str, body: bytes, *headers: str, method: str = "POST", length: bool = True) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: portal.test", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def signed(body: bytes, *, secret: str = SECRET, header: str = "x-genesys-signature") -> str:
    return f"{header}: {signature(secret.encode(), body)}"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def said(answer: bytes) -> bytes:
    """The body of an answer without its request id."""
    return re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"", answer.partition(b"\r\n\r\n")[2])


def deliver(port: int, hook: HookEndpoint, body: bytes, *headers: str) -> int:
    return status_of(talk(port, request(path_of(hook), body, *headers)))


def test_a_signed_delivery_is_stored_byte_for_byte_before_it_is_answered(port: int, hook: HookEndpoint) -> None:
    body = b'{"a": 1.0,\r\n "b": "\xc3\xa9"}'
    assert (
        deliver(port, hook, body, signed(body), "Content-Type: application/json", "X-Request-Id: r-1", "Authorization: Bearer abcdefgh")
        == 200
    )
    delivery = Delivery.objects.get()
    assert (delivery.verdict, bytes(delivery.body), delivery.sender_id) == ("verified", body, "r-1")
    assert ["authorization", "Bearer •••"] in delivery.headers
    assert [step["title"] for step in delivery.steps] == [
        "Bytes received", "Signature header", f"Computed with secret {delivery.secret}", "Body", "Duplicate",
    ]  # fmt: skip
    ((entry,), _more) = page(Facets(action="delivery:verified"), before=None, size=5)
    assert (entry.subject, entry.data["delivery"], entry.outcome) == (str(hook.pk), str(delivery.pk), "ok")
    assert entry.request_id


@pytest.mark.parametrize("profile", ["genesys", "nice"])
def test_a_wrong_signature_is_401_and_the_sender_learns_nothing(port: int, owner: Any, profile: str) -> None:
    hook = endpoints.create_endpoint(by=owner.caller, name="x", profile=profile, secret=SECRET, debug=True)
    header = f"x-{profile}-signature"
    wrong: tuple[list[str], ...] = (
        [],
        [f"{header}: {'00' * 32}"],
        [f"{header}: junk"],
        [signed(b"other", header=header)],
        [signed(b"{}", secret="not ours", header=header)],
    )
    answers = [talk(port, request(path_of(hook), b"{}", *headers)) for headers in wrong]
    assert [status_of(answer) for answer in answers] == [401] * 5
    assert len({said(answer) for answer in answers}) == 1, "every cause is answered with the same words"
    assert signature(SECRET.encode(), b"{}").encode() not in b"".join(answers)
    assert Delivery.objects.filter(verdict="refused", status=401).count() == 5
    assert len(page(Facets(action="delivery:refused", outcome="refused"), before=None, size=9)[0]) == 5


def test_a_chunked_body_is_verified_over_its_bytes(port: int, hook: HookEndpoint) -> None:
    body = b'{"chunked": true}'
    head = request(path_of(hook), b"", signed(body), "Transfer-Encoding: chunked", length=False)
    chunks = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in (body[:5], body[5:]))
    assert status_of(talk(port, head, chunks, b"0\r\n\r\n", pause=0.02)) == 200
    assert bytes(Delivery.objects.get().body) == body


def test_a_compressed_body_is_kept_and_verified_as_it_came(port: int, hook: HookEndpoint) -> None:
    body = gzip.compress(b'{"a":1}')
    assert deliver(port, hook, body, signed(body), "Content-Encoding: gzip", "Content-Type: application/json") == 200
    assert bytes(Delivery.objects.get().body) == body


def test_a_right_signature_over_broken_json_is_400(port: int, hook: HookEndpoint) -> None:
    assert deliver(port, hook, b"{", signed(b"{"), "Content-Type: application/json") == 400
    assert deliver(port, hook, b"{}", signed(b"{}"), signed(b"{}")) == 400


def test_size_is_counted_before_anything_is_stored(port: int, hook: HookEndpoint, settings: Any) -> None:
    exact = b"x" * settings.WEBHOOK_BODY_LIMIT
    assert deliver(port, hook, exact, signed(exact)) == 200
    declared = request(path_of(hook), b"", f"Content-Length: {settings.WEBHOOK_BODY_LIMIT + 1}", length=False)
    assert status_of(talk(port, declared)) == 413
    head = request(path_of(hook), b"", "Transfer-Encoding: chunked", length=False)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    assert status_of(talk(port, head, *[chunk] * 17, b"0\r\n\r\n")) == 413
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_405_and_set_nothing(port: int, hook: HookEndpoint, method: str) -> None:
    answer = talk(port, request(path_of(hook), b"", method=method))
    assert status_of(answer) == 405
    assert b"allow: post" in answer.lower()
    assert b"set-cookie" not in answer.lower()


def test_addresses_nobody_has_are_404_and_look_alike(port: int, hook: HookEndpoint) -> None:
    answers = []
    for path in ("/in/", "/in/short", "/in/" + "a" * 43, path_of(hook) + "/", path_of(hook) + "x", "/in/" + "%41" * 43):
        answers.append(talk(port, request(path, b"{}", signed(b"{}"))))
        assert status_of(answers[-1]) == 404, path
    assert len({said(answer) for answer in answers}) == 1
    assert Delivery.objects.count() == 0


def test_a_deleted_address_is_410_for_a_day_and_then_404(port: int, hook: HookEndpoint, owner: Any) -> None:
    path = path_of(hook)
    assert deliver(port, hook, b"{}", signed(b"{}")) == 200
    endpoints.delete_endpoint(by=owner.caller, endpoint_id=hook.pk)
    assert Delivery.objects.count() == 0
    assert status_of(talk(port, request(path, b"{}"))) == 410
    HookEndpoint.objects.update(deleted_at=timezone.now() - timedelta(hours=25))
    assert status_of(talk(port, request(path, b"{}"))) == 404
    assert sweep() == 1
    assert HookEndpoint.objects.count() == 0


def test_a_retry_is_answered_like_the_first_and_marked(port: int, hook: HookEndpoint) -> None:
    body = b'{"n":1}'
    for headers in (["X-Request-Id: r-1"], ["X-Request-Id: r-1"], ["X-Request-Id: r-2"], []):
        assert deliver(port, hook, body, signed(body), *headers) == 200
    first, *others = Delivery.objects.order_by("received_at")
    assert first.verdict == "verified"
    assert [(other.verdict, other.reason, other.duplicate_of_id) for other in others] == [
        ("duplicate", "same_id", first.pk),
        ("duplicate", "same_body", first.pk),
        ("duplicate", "same_body", first.pk),
    ]


def test_an_id_used_again_for_another_body_is_400(port: int, hook: HookEndpoint) -> None:
    assert deliver(port, hook, b'{"n":1}', signed(b'{"n":1}'), "X-Request-Id: r-1") == 200
    assert deliver(port, hook, b'{"n":2}', signed(b'{"n":2}'), "X-Request-Id: r-1") == 400


def test_a_stranger_cannot_use_up_an_id(port: int, hook: HookEndpoint) -> None:
    assert deliver(port, hook, b'{"n":1}', "x-genesys-signature: " + "00" * 32, "X-Request-Id: r-1") == 401
    assert deliver(port, hook, b'{"n":1}', signed(b'{"n":1}'), "X-Request-Id: r-1") == 200
    assert Delivery.objects.get(verdict="verified").duplicate_of is None


def test_the_same_delivery_many_times_at_once_is_verified_once(port: int, hook: HookEndpoint) -> None:
    body = b'{"n":1}'
    raw = request(path_of(hook), body, signed(body), "X-Request-Id: r-1")
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(status_of(talk(port, raw)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # SQLite in memory refuses at once where a file waits; the sender would come again.
    assert set(statuses) <= {200, 503}
    assert Delivery.objects.filter(verdict="verified").count() == 1
    assert statuses.count(200) == Delivery.objects.count()


def test_too_many_deliveries_are_429_with_a_time_to_come_back(port: int, hook: HookEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "PER_MINUTE", 2)
    for number in range(2):
        body = b"%d" % number
        assert deliver(port, hook, body, signed(body)) == 200
    answer = talk(port, request(path_of(hook), b"x", signed(b"x")))
    assert status_of(answer) == 429
    assert re.search(rb"retry-after: [1-9]", answer.lower())
    assert b"violated" not in answer
    assert Delivery.objects.count() == 2


def test_when_it_cannot_be_stored_the_sender_is_asked_to_come_again(port: int, hook: HookEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr(edge, "receive", broken)
    answer = talk(port, request(path_of(hook), b"{}", signed(b"{}")))
    assert status_of(answer) == 503
    assert b"retry-after: 5" in answer.lower()
    assert b"disk" not in answer


def test_without_debug_the_verdict_is_kept_and_the_steps_are_not(port: int, owner: Any) -> None:
    hook = endpoints.create_endpoint(by=owner.caller, name="quiet", profile="nice", secret=SECRET, debug=False)
    assert deliver(port, hook, b"{}", signed(b"{}", header="x-nice-signature")) == 200
    assert Delivery.objects.get().steps == []


def test_hostile_headers_and_queries_are_stored_as_one_line(port: int, hook: HookEndpoint) -> None:
    raw = request(path_of(hook) + "?a=%00%0a<script>", b"{}", signed(b"{}"), "X-Odd: \xff\x85'\"<b>", "X-Request-Id: " + "i" * 500)
    assert status_of(talk(port, raw)) == 200
    delivery = Delivery.objects.get()
    assert len(delivery.sender_id) == 200
    assert all(value.isprintable() for _name, value in delivery.headers)


def test_only_so_much_is_kept(hook: HookEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "KEPT_REFUSED", (3, 25))
    for number in range(5):
        receiving.receive(endpoint_id=hook.pk, incoming=receiving.Incoming(headers=(), query="", body=b"%d" % number * 10, remote=""))
    assert [bytes(row.body)[:1] for row in Delivery.objects.order_by("received_at")] == [b"3", b"4"]
    Delivery.objects.update(received_at=timezone.now() - timedelta(days=8))
    assert sweep() == 2


def test_a_problem_document_is_all_there_is_to_read(port: int) -> None:
    answer = talk(port, request("/in/" + uuid.uuid4().hex, b"{}"))
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {"type", "title", "status", "detail", "code", "request_id"}
