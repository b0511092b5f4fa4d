"""The life of an endpoint, and what becomes of what it received: secrets in rotation, addresses, expiry, quarantine, memory."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.selectors import Facets, page
from harness import edge, selectors
from harness.actions import endpoints, receiving
from harness.actions.receiving import Incoming, receive, verify_again
from harness.models import Delivery, HookEndpoint, HookSecret, Remembered
from harness.signatures.signing import sign
from harness.tasks import sweep
from portal.errors import Conflict, NotFound, PortalError, QuotaExceeded
from quotas import actions as quota_actions
from quotas.memory import MemoryLog

SECRET, SECOND = "a webhook secret of 30 letters", "the next secret, also rather long"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def make(person: Any, profile: str = "genesys", secret: str = SECRET, **changes: Any) -> HookEndpoint:
    return endpoints.create_endpoint(by=person.caller, name="orders", profile=profile, secret=secret, debug=True, **changes)


def deliver(
    hook: HookEndpoint, body: bytes, secret: str = SECRET, *, identity: str = "", at: datetime | None = None, **changes: Any
) -> Delivery:
    """Sign as the platform would and hand it in; ``changes`` are headers to replace."""
    at = at or timezone.now()
    bare = selectors.request_to(hook, headers=(), query="", body=body)
    pairs = sign(selectors.profile(hook), secret.encode(), bare, timestamp=int(at.timestamp()), identity=identity)
    headers = tuple((name, str(changes.get(name.replace("-", "_"), value))) for name, value in pairs if value)
    return receive(endpoint_id=hook.pk, incoming=Incoming(headers, "", body, "10.0.0.9"), now=at)


def entries(action: str) -> list[Any]:
    return list(page(Facets(action=action), before=None, size=20)[0])


def path(hook: HookEndpoint) -> str:
    return selectors.address(HookEndpoint.objects.get(pk=hook.pk)).rsplit("/", 1)[1]


# --- Endpoints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["github", "stripe", "slack", "twilio", "square", "shopify", "zoom", "nice-expert", "jwt", "generic"])
def test_each_profile_receives_what_its_platform_signs(owner: Any, profile: str) -> None:
    hook = make(owner, profile)
    delivery = deliver(hook, b'{"n":1}' if profile != "twilio" else b"", identity="m-1")
    assert (delivery.verdict, delivery.reason) == ("verified", "")
    assert deliver(hook, b'{"n":2}' if profile != "twilio" else b"", SECOND, identity="m-2").reason == "signature_wrong"


def test_settings_of_a_profile_are_kept_and_used(owner: Any) -> None:
    response = owner.client.post(
        "/api/v1/hooks",
        {
            "name": "own", "profile": "generic", "secret": SECRET,
            "settings": {"header": "x-sig", "encoding": "base64", "template": "{timestamp}:{body}", "timestamp_header": "x-time"},
        },
        content_type="application/json",
    )  # fmt: skip
    assert response.status_code == 201
    assert response.json()["header"] == "x-sig"
    hook = HookEndpoint.objects.get()
    assert deliver(hook, b"{}").verdict == "verified"
    assert deliver(hook, b"other", x_time="12").reason == "signature_wrong"
    assert selectors.profile(hook).tolerance == 300, "a time that is signed counts"


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"profile": "generic", "settings": {"header": "X Y"}}, "/settings/header"),
        ({"profile": "github", "settings": {"header": "x"}}, "/settings/header"),
        ({"profile": "standard-webhooks", "secret": "whsec_not base64!"}, "/secret"),
        ({"profile": "standard-webhooks-v1a", "secret": "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="}, "/secret"),
        ({"profile": "sendgrid"}, "/secret"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2101-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(owner: Any, values: dict[str, Any], pointer: str) -> None:
    body = {"name": "x", "profile": "genesys", "secret": SECRET} | values
    response = owner.client.post("/api/v1/hooks", body, content_type="application/json")
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    assert body["secret"] not in response.content.decode()
    assert HookEndpoint.objects.count() == HookSecret.objects.count() == 0


def test_a_profile_is_changed_only_with_a_secret_it_can_use(owner: Any) -> None:
    hook = make(owner)
    address = f"/api/v1/hooks/{hook.pk}"
    refused = owner.client.patch(address, {"profile": "standard-webhooks"}, content_type="application/json")
    assert refused.json()["errors"][0]["pointer"] == "/secret"
    taken = owner.client.patch(address, {"profile": "standard-webhooks", "secret": WHSEC}, content_type="application/json")
    assert (taken.status_code, taken.json()["header"]) == (200, "webhook-signature")


def test_a_secret_is_rotated_without_a_moment_in_which_the_platform_is_refused(owner: Any) -> None:
    hook = make(owner)
    address = f"/api/v1/hooks/{hook.pk}"
    both = owner.client.patch(address, {"secret": SECOND}, content_type="application/json").json()["secrets"]
    assert deliver(hook, b"1").verdict == deliver(hook, b"2", SECOND).verdict == "verified"
    first = next(secret["fingerprint"] for secret in both if secret["retires_at"])
    left = owner.client.delete(f"{address}/secrets/{first}").json()["secrets"]
    assert [secret["retires_at"] for secret in left] == [None]
    assert deliver(hook, b"3").verdict == "refused"
    assert deliver(hook, b"4", SECOND).verdict == "verified"
    assert entries("hook_secret:retired")[0].data["fingerprint"] == first
    assert owner.client.delete(f"{address}/secrets/{left[0]['fingerprint']}").json()["code"] == "last_secret"
    assert owner.client.delete(f"{address}/secrets/00000000").status_code == 404


def test_the_new_secret_may_be_taken_back_and_the_one_before_stays(owner: Any) -> None:
    hook = make(owner)
    endpoints.change_endpoint(by=owner.caller, endpoint_id=hook.pk, secret=SECOND)
    endpoints.retire_secret(by=owner.caller, endpoint_id=hook.pk, secret=endpoints.fingerprint(SECOND.encode()))
    assert HookSecret.objects.get().retires_at is None
    HookSecret.objects.update(added_at=timezone.now() - timedelta(days=30))
    sweep()
    assert deliver(hook, b"1").verdict == "verified"


def test_a_new_address_replaces_the_old_one_at_once(owner: Any) -> None:
    hook = make(owner)
    before = path(hook)
    shown = owner.client.post(f"/api/v1/hooks/{hook.pk}/rotate").json()
    assert shown["url"].endswith(path(hook))
    assert path(hook) != before
    assert selectors.endpoint_for_sender(path(hook)).id == hook.pk
    with pytest.raises(NotFound):
        selectors.endpoint_for_sender(before)
    assert len(entries("hook:rotated")) == 1
    assert path(hook) not in str(entries("hook:rotated")[0].data)


def test_an_expired_address_is_like_one_nobody_has(owner: Any) -> None:
    hook = make(owner, expires_at=timezone.now() + timedelta(minutes=5))
    assert selectors.endpoint_for_sender(path(hook)).id == hook.pk
    HookEndpoint.objects.update(expires_at=timezone.now())
    with pytest.raises(NotFound) as expired:
        selectors.endpoint_for_sender(path(hook))
    with pytest.raises(NotFound) as unknown:
        selectors.endpoint_for_sender("a" * 43)
    assert expired.value.detail == unknown.value.detail
    owner.client.patch(f"/api/v1/hooks/{hook.pk}", {"expires_at": None}, content_type="application/json")
    assert selectors.endpoint_for_sender(path(hook)).id == hook.pk


def test_one_sender_cannot_use_up_what_the_others_need(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_actions, "_alone", MemoryLog())
    monkeypatch.setattr(edge, "SENDER_PER_MINUTE", 2)
    token = path(make(owner))
    for _ in range(2):
        edge._admit(token, "10.0.0.1")
    with pytest.raises(QuotaExceeded):
        edge._admit(token, "10.0.0.1")
    assert edge._admit(token, "10.0.0.2").name == "orders"


def test_the_profiles_are_listed_with_what_may_be_changed(owner: Any) -> None:
    listed = {item["name"]: item for item in owner.client.get("/api/v1/hook-profiles").json()["results"]}
    assert listed["github"]["documented"] is True
    assert listed["genesys"]["documented"] is False
    assert listed["genesys"]["settings"] == ["encoding"]


# --- Duplicates ------------------------------------------------------------------------------------------------------


def test_duplicates_are_counted_where_the_first_is_kept(owner: Any) -> None:
    hook = make(owner, "standard-webhooks", WHSEC)
    first = deliver(hook, b"{}", WHSEC, identity="m-1")
    for _ in range(3):
        again = deliver(hook, b"{}", WHSEC, identity="m-1")
        assert (again.verdict, again.status, again.duplicate_of_id) == ("duplicate", 200, first.pk)
    assert owner.client.get(f"/api/v1/deliveries/{first.pk}").json()["repeats"] == 3


def test_another_id_inside_the_signature_is_another_event(owner: Any) -> None:
    hook = make(owner, "standard-webhooks", WHSEC)
    assert [deliver(hook, b"{}", WHSEC, identity=identity).verdict for identity in ("m-1", "m-2")] == ["verified", "verified"]
    unsigned = make(owner, "github")
    assert [deliver(unsigned, b"{}", identity=identity).reason for identity in ("m-1", "m-2")] == ["", "same_body"]


def test_what_came_is_remembered_for_a_day_although_a_flood_pushed_it_out(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "KEPT_ACCEPTED", (2, 10_000))
    hook = make(owner)
    first = deliver(hook, b"first", identity="r-1", at=NOW)
    for number in range(4):
        deliver(hook, b"%d" % number, at=NOW + timedelta(minutes=number))
    assert not Delivery.objects.filter(pk=first.pk).exists()
    late = NOW + timedelta(hours=23, minutes=59)
    assert deliver(hook, b"first", identity="r-1", at=late).verdict == "duplicate"
    assert deliver(hook, b"other", identity="r-1", at=late).reason == "request_id_reused"
    assert deliver(hook, b"first", identity="r-1", at=NOW + timedelta(hours=25)).verdict == "verified"


def test_memory_ends_after_a_day(owner: Any) -> None:
    hook = make(owner)
    deliver(hook, b"x", at=timezone.now() - timedelta(hours=25))
    assert Remembered.objects.count() == 1
    sweep()
    assert (Remembered.objects.count(), Delivery.objects.count()) == (0, 1)


def test_refusals_push_out_nothing_that_was_verified(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "KEPT_REFUSED", (3, 10_000))
    hook = make(owner)
    kept = deliver(hook, b"kept")
    for number in range(8):
        deliver(hook, b"%d" % number, SECOND)
    assert Delivery.objects.filter(pk=kept.pk).exists()
    assert Delivery.objects.filter(verdict="refused").count() == 3


# --- Quarantine ------------------------------------------------------------------------------------------------------


def test_what_was_refused_is_verified_again_once_the_secret_is_right(owner: Any) -> None:
    hook = make(owner, "stripe")
    refused = deliver(hook, b'{"n":1}', SECOND, at=timezone.now() - timedelta(hours=2))
    assert refused.reason == "signature_wrong"
    again = owner.client.post(f"/api/v1/deliveries/{refused.pk}/verify")
    assert (again.status_code, again.json()["verdict"]) == (200, "refused")
    endpoints.change_endpoint(by=owner.caller, endpoint_id=hook.pk, secret=SECOND)
    shown = owner.client.post(f"/api/v1/deliveries/{refused.pk}/verify").json()
    assert (shown["verdict"], shown["reason"], shown["status"]) == ("verified", "", 401), "the sender was told 401 and still was"
    assert shown["rechecked_at"]
    assert [entry.data["verdict"] for entry in entries("delivery:rechecked")] == ["verified", "refused"]
    assert deliver(hook, b'{"n":1}', SECOND).verdict == "duplicate", "it counts as received from now on"
    twice = owner.client.post(f"/api/v1/deliveries/{refused.pk}/verify")
    assert (twice.status_code, twice.json()["code"]) == (409, "not_refused")


def test_a_stale_delivery_stays_stale(owner: Any) -> None:
    hook = make(owner, "slack")
    bare = selectors.request_to(hook, headers=(), query="", body=b"x")
    headers = sign(selectors.profile(hook), SECRET.encode(), bare, timestamp=int(NOW.timestamp()) - 3600, identity="")
    stale = receive(endpoint_id=hook.pk, incoming=Incoming(tuple(headers), "", b"x", ""), now=NOW)
    assert (stale.reason, stale.skew) == ("timestamp_stale", -3600)
    assert verify_again(by=owner.caller, delivery_id=stale.pk).reason == "timestamp_stale"


def test_an_address_that_is_signed_and_was_replaced_is_said(owner: Any) -> None:
    hook = make(owner, "square")
    refused = deliver(hook, b"{}", SECOND)
    endpoints.rotate_address(by=owner.caller, endpoint_id=hook.pk)
    with pytest.raises(Conflict) as said:
        verify_again(by=owner.caller, delivery_id=refused.pk)
    assert said.value.code == "address_replaced"


def test_the_headers_of_a_refusal_lie_encrypted(owner: Any, everything_stored: Callable[[], str]) -> None:
    hook = make(owner, "jwt")
    headers = (("authorization", "Bearer not.a.token-but-perhaps-a-credential"), ("x-api-key", "key-of-somebody"))
    refused = receive(endpoint_id=hook.pk, incoming=Incoming(headers, "", b"{}", ""))
    stored = everything_stored()
    assert "perhaps-a-credential" not in stored
    assert "key-of-somebody" not in stored
    assert selectors.request_of(Delivery.objects.select_related("endpoint").get(pk=refused.pk)).value("x-api-key") == "key-of-somebody"
    assert deliver(hook, b"{}").headers_sealed is None


def test_the_key_that_audiohook_sends_along_is_shown_nowhere(owner: Any, everything_stored: Callable[[], str]) -> None:
    hook = make(owner, "genesys-audiohook", "c2VjcmV0IHNlY3JldCBzZWNyZXQ=")
    bare = selectors.request_to(hook, headers=(("x-api-key", "sesame-open-the-door"),), query="", body=b"")
    for secret in (b"c2VjcmV0IHNlY3JldCBzZWNyZXQ=", b"b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXI="):
        pairs = sign(selectors.profile(hook), secret, bare, timestamp=int(NOW.timestamp()), identity="a-session")
        headers = (*bare.headers, *pairs)
        made = receive(endpoint_id=hook.pk, incoming=Incoming(headers, "", b"", ""), now=NOW)
        assert "•••" in str(made.steps)
    assert [row.verdict for row in Delivery.objects.order_by("verdict")] == ["refused", "verified"]
    assert "sesame" not in everything_stored()


def test_others_may_do_none_of_it(owner: Any, teammate: Any) -> None:
    hook = make(owner)
    endpoints.change_endpoint(by=owner.caller, endpoint_id=hook.pk, secret=SECOND)
    refused = deliver(hook, b"{}", "neither of both secrets")
    before = (path(hook), HookSecret.objects.count())
    calls: list[Callable[[], Any]] = [
        lambda: endpoints.rotate_address(by=teammate.caller, endpoint_id=hook.pk),
        lambda: endpoints.retire_secret(by=teammate.caller, endpoint_id=hook.pk, secret=endpoints.fingerprint(SECRET.encode())),
        lambda: verify_again(by=teammate.caller, delivery_id=refused.pk),
        lambda: endpoints.change_endpoint(by=teammate.caller, endpoint_id=hook.pk, expires_at=None),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    assert (path(hook), HookSecret.objects.count()) == before
    for address in (f"hooks/{hook.pk}/rotate", f"deliveries/{refused.pk}/verify", f"deliveries/{uuid.uuid4()}/verify"):
        assert teammate.client.post(f"/api/v1/{address}").status_code == 404


def test_a_failed_entry_leaves_nothing_behind(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = make(owner)
    before = path(hook)

    def broken(*_: Any, **__: Any) -> None:
        raise PortalError("the log is down")

    monkeypatch.setattr(endpoints, "record", broken)
    with pytest.raises(PortalError):
        endpoints.rotate_address(by=owner.caller, endpoint_id=hook.pk)
    assert path(hook) == before


def test_receiving_takes_a_fixed_number_of_queries(owner: Any, django_assert_max_num_queries: Any) -> None:
    hook = make(owner)
    for number in range(3):
        deliver(hook, b"%d" % number)
    with django_assert_max_num_queries(13):
        deliver(hook, b"counted", identity="r-9")
