"""What the bench sends: rightly signed or wrong in one way, to itself or to a receiver that is allowed, recorded before it leaves."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audit.selectors import Facets, page
from harness.actions import endpoints, sending
from harness.actions.sending import Wanted, send
from harness.models import Delivery, HookEndpoint, Sending
from harness.sending.faults import FAULTS, faults_of
from harness.signatures.registry import PROFILES
from harness.signatures.values import Request, Secret
from harness.signatures.verification import verify
from portal.errors import Conflict, Forbidden, Invalid, NotFound, QuotaExceeded
from quotas import actions as quota_actions
from quotas.memory import MemoryLog
from tests.serving import served

SECRET = "a webhook secret of 30 letters"
pytestmark = pytest.mark.django_db
SIGNING = [profile for profile in PROFILES.values() if profile.symmetric]


@pytest.fixture(autouse=True)
def _fresh_quotas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_actions, "_alone", MemoryLog())


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Request]]]:
    """A real receiver on loopback that checks as GitHub's documentation says; its address and what it got."""
    got: list[Request] = []

    async def application(scope: Any, receive: Callable[[], Any], answer: Callable[[Any], Any]) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        request = Request([(name.decode(), value.decode()) for name, value in scope["headers"]], body)
        got.append(request)
        fine = verify(PROFILES["github"], [Secret(SECRET.encode(), "f")], request, 0).verified
        headers = [(b"content-type", b"text/plain"), (b"set-cookie", b"session=abcdefgh")]
        await answer({"type": "http.response.start", "status": 200 if fine else 403, "headers": headers})
        await answer({"type": "http.response.body", "body": b"ok" if fine else b"no"})

    with served(application) as port:
        yield f"http://127.0.0.1:{port}/hook?x=1", got


def make(person: Any, profile: str = "github") -> HookEndpoint:
    kind = PROFILES[profile]
    secret = base64.b64encode(bytes(range(32))).decode() if kind.key in {"base64", "prefixed-base64"} else SECRET
    return endpoints.create_endpoint(by=person.caller, name="orders", profile=profile, secret=secret, debug=True)


@pytest.mark.parametrize("profile", SIGNING, ids=[profile.name for profile in SIGNING])
def test_every_fault_is_one_to_the_bench_itself(owner: Any, profile: Any) -> None:
    hook = make(owner, profile.name)
    kind = "application/x-www-form-urlencoded" if profile.construction == "form" else "application/json"
    payload = b"a=1&b=2" if profile.construction == "form" else b'{"n": 1.0}'
    for fault in faults_of(profile):
        (done,) = send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(payload, kind, fault.id))
        expected = {"2": {"verified", "duplicate"}, "4": {"refused"}}[fault.expected]
        assert done.delivery is not None
        assert done.delivery.verdict in expected, (fault.id, done.delivery.reason, done.delivery.steps)
        assert str(done.status)[0] == fault.expected


def test_twice_is_a_duplicate(owner: Any) -> None:
    hook = make(owner)
    done = send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}", repeat=2))
    assert [one.delivery.verdict for one in done if one.delivery] == ["verified", "duplicate"]


def test_the_whole_exchange_with_a_receiver_is_kept(owner: Any, receiver: tuple[str, list[Request]]) -> None:
    address, got = receiver
    hook = make(owner)
    body = {"payload": '{"name": "J\u00f6rg"}\r\n', "target": address}
    response = owner.client.post(f"/api/v1/hooks/{hook.pk}/send", body, content_type="application/json")
    assert response.status_code == 200, response.content
    (shown,) = response.json()["results"]
    assert (shown["status"], shown["error"], base64.b64decode(shown["answer_body"])) == (200, "", b"ok")
    assert got[0].body == base64.b64decode(shown["body"]) == body["payload"].encode()
    assert got[0].value("x-hub-signature-256") == dict(shown["headers"])["x-hub-signature-256"]
    assert "abcdefgh" not in json.dumps(shown), "cookies of the receiver are masked"
    assert Delivery.objects.count() == 0
    listed = owner.client.get(f"/api/v1/hooks/{hook.pk}/send").json()["results"]
    assert [item["id"] for item in listed] == [shown["id"]]
    ((entry,), _more) = page(Facets(action="hook:sent"), before=None, size=5)
    assert entry.data["target"] == address.rsplit("/", 1)[0], "the query of an address may hold a credential"


def test_a_receiver_that_checks_refuses_what_is_wrong(owner: Any, receiver: tuple[str, list[Request]]) -> None:
    address, _got = receiver
    hook = make(owner)
    for fault in faults_of(PROFILES["github"]):
        (done,) = send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b'{"n": 1.0}', fault=fault.id, target=address))
        assert done.status == (200 if fault.expected == "2" else 403), fault.id


@pytest.mark.parametrize(
    "target",
    [
        "https://example.com/", "http://169.254.169.254/latest", "ftp://127.0.0.1/", "http://[::1]:80/", "http://localhost.evil.example/",
        "http://127.0.0.1@evil.example/", "http://user:pw@127.0.0.1:9/", "file:///etc/passwd", "http://127.0.0.1:99999/", "nonsense",
    ],
)  # fmt: skip
def test_only_receivers_on_the_list_are_sent_to(owner: Any, target: str) -> None:
    hook = make(owner)
    with pytest.raises((Forbidden, Invalid)) as refused:
        done = send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}", target=target))
        assert all(one.status is None for one in done), done
        raise Forbidden(done[0].error, code="receiver_forbidden")
    assert refused.value.code == "receiver_forbidden"


def test_the_list_is_the_platform_teams(owner: Any, settings: Any) -> None:
    settings.WEBHOOK_SEND_ALLOWED = ["https://receiver.example:8443", "http://10.2.3.4:*", "10.2.0.0/16"]
    assert sending._target("https://receiver.example:8443/x").base_url == "https://receiver.example:8443"
    assert sending._target("http://10.2.3.4:9/x").networks == ("10.2.0.0/16",)
    for address in ("https://receiver.example/x", "http://receiver.example:8443/x", "http://127.0.0.1:1/", "https://10.2.3.4:9/"):
        with pytest.raises(Forbidden, match="WEBHOOK_SEND_ALLOWED"):
            sending._target(address)
    settings.WEBHOOK_SEND_ALLOWED, settings.DEVELOPMENT = [], False
    with pytest.raises(Forbidden):
        sending._target("http://127.0.0.1:1/")


def test_the_portals_own_services_are_never_reached(owner: Any, settings: Any) -> None:
    (done,) = send(by=owner.caller, endpoint_id=make(owner).pk, wanted=Wanted(b"{}", target=f"http://127.0.0.1:{settings.PORT}/in/x"))
    assert done.status is None
    assert "the portal's own" in done.error


def test_a_receiver_that_is_not_there_is_the_result_and_no_error(owner: Any) -> None:
    (done,) = send(by=owner.caller, endpoint_id=make(owner).pk, wanted=Wanted(b"{}", target="http://127.0.0.1:9/"))
    assert (done.status, done.delivery) == (None, None)
    assert "cannot be reached" in done.error


@pytest.mark.parametrize(
    "wanted",
    [{"payload": "x" * 262_145}, {"fault": "nonsense"}, {"fault": "stale"}, {"repeat": 6}, {"repeat": 0}, {"content_type": "a\nb"}],
)
def test_what_cannot_be_sent_is_refused_at_its_field(owner: Any, wanted: dict[str, Any]) -> None:
    hook = make(owner)
    response = owner.client.post(f"/api/v1/hooks/{hook.pk}/send", {"payload": "{}"} | wanted, content_type="application/json")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/" + next(iter(wanted))
    assert Sending.objects.count() == 0


def test_a_private_key_is_the_platforms_alone(owner: Any) -> None:
    public = "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="
    hook = endpoints.create_endpoint(by=owner.caller, name="x", profile="standard-webhooks-v1a", secret=public, debug=False)
    with pytest.raises(Conflict) as refused:
        send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}"))
    assert refused.value.code == "cannot_sign"


def test_nobody_else_may_send_and_nobody_too_often(owner: Any, teammate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = make(owner)
    with pytest.raises(NotFound):
        send(by=teammate.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}"))
    for address in (f"/api/v1/hooks/{hook.pk}/send", f"/webhooks/{hook.pk}/send"):
        assert teammate.client.post(address, {}, content_type="application/json").status_code == 404
    assert Sending.objects.count() == 0
    monkeypatch.setattr(sending, "PER_MINUTE", 1)
    send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}"))
    with pytest.raises(QuotaExceeded):
        send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}"))


def test_what_cannot_be_recorded_is_not_sent(owner: Any, receiver: tuple[str, list[Request]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, got = receiver
    hook = make(owner)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the log is down")

    monkeypatch.setattr(sending, "record", broken)
    with pytest.raises(RuntimeError):
        send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"{}", target=address))
    assert (got, Sending.objects.count()) == ([], 0)


def test_only_so_many_are_kept(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "KEPT", 2)
    hook = make(owner)
    for number in range(4):
        send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b"%d" % number))
    assert Sending.objects.count() == 2


def test_the_page_sends_a_delivery_again_and_shows_what_came_of_it(owner: Any) -> None:
    hook = make(owner)
    send(by=owner.caller, endpoint_id=hook.pk, wanted=Wanted(b'{"n": 1.0}'))
    first = Delivery.objects.get()
    answer = owner.client.post(f"/webhooks/{hook.pk}/send", {"delivery": str(first.pk), "fault": "rewritten"}, follow=True).content.decode()
    assert "Refused: answered 401." in answer
    assert "Signed over re-serialized JSON" in answer
    refused = owner.client.post(f"/webhooks/{hook.pk}/send", {"target": "https://example.com/"}, follow=True).content.decode()
    assert "Nothing may be sent to https://example.com:443." in refused
    assert owner.client.post(f"/webhooks/{hook.pk}/send", {"repeat": "x"}).status_code == 400
    assert set(FAULTS) >= {"", "unsigned", "flipped"}
