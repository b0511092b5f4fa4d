from __future__ import annotations

import base64
import subprocess
import time
import uuid
from typing import Any

import pytest
from django.test import Client

from audit.selectors import Facets, page
from harness import selectors
from harness.actions import endpoints
from harness.actions.receiving import Incoming, receive
from harness.api import deliveries
from harness.models import Delivery, HookEndpoint, HookSecret
from harness.signatures.commands import sample_commands
from harness.signatures.registry import PROFILES
from harness.signatures.values import Request, Secret
from harness.signatures.verification import verify
from tests.harness.signing import signature

SECRET = "a webhook secret of 30 letters"
pytestmark = pytest.mark.django_db


def entries(action: str) -> list[Any]:
    return list(page(Facets(action=action), before=None, size=20)[0])


def make(person: Any, **changes: Any) -> dict[str, Any]:
    values = {"name": "orders", "profile": "genesys", "secret": SECRET, "debug": True} | changes
    response = person.client.post("/api/v1/hooks", values, content_type="application/json")
    assert response.status_code == 201, response.content
    return dict(response.json())


def deliver(hook_id: str, body: bytes, secret: str = SECRET, **headers: str) -> Delivery:
    pairs = (("x-genesys-signature", signature(secret.encode(), body)), *headers.items())
    return receive(endpoint_id=uuid.UUID(hook_id), incoming=Incoming(headers=pairs, query="", body=body, remote="10.0.0.9"))


def test_a_webhook_is_made_with_its_secret_which_is_never_shown_again(owner: Any) -> None:
    made = make(owner)
    assert made["header"] == "x-genesys-signature"
    assert made["url"].startswith("http://127.0.0.1:8000/in/")
    assert made["secrets"][0]["length"] == len(SECRET)
    addresses = ("/api/v1/hooks", f"/api/v1/hooks/{made['id']}", "/webhooks", f"/webhooks/{made['id']}")
    assert SECRET.encode() not in b"".join(owner.client.get(address).content for address in addresses)
    assert SECRET.encode() not in bytes(HookSecret.objects.get().value_encrypted)
    assert made["url"].rsplit("/", 1)[1].encode() not in bytes(HookEndpoint.objects.get().token_encrypted)
    (entry,) = entries("hook:created")
    assert SECRET not in str(entry.data)
    assert entry.subject == made["id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret", ""),
        ("secret", "short"),
        ("secret", "x" * 600),
        ("secret", "twelve chars\0"),
        ("profile", "facebook"),
        ("name", ""),
        ("name", "a\nb"),
    ],
)
def test_what_cannot_be_made_is_refused_at_its_field(owner: Any, field: str, value: str) -> None:
    body = {"name": "orders", "profile": "genesys", "secret": SECRET} | {field: value}
    response = owner.client.post("/api/v1/hooks", body, content_type="application/json")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/{field}"
    assert HookEndpoint.objects.count() == 0


def test_spaces_of_a_secret_are_kept(owner: Any) -> None:
    secret = "  spaces on both sides  "
    assert deliver(make(owner, secret=secret)["id"], b"{}", secret).verdict == "verified"


def test_nobody_else_sees_a_webhook_or_what_arrived(owner: Any, teammate: Any, client: Client) -> None:
    made = make(owner)
    delivery = deliver(made["id"], b"{}")
    hook = f"/api/v1/hooks/{made['id']}"
    for address in (hook, f"{hook}/deliveries", f"/api/v1/deliveries/{delivery.pk}", f"/webhooks/{made['id']}"):
        assert owner.client.get(address).status_code == 200
        assert teammate.client.get(address).status_code == 404
        assert client.get(address).status_code in {302, 401}
    assert teammate.client.delete(hook).status_code == 404
    assert teammate.client.patch(hook, {"debug": False}, content_type="application/json").status_code == 404
    for verb in ("change", "delete"):
        assert teammate.client.post(f"/webhooks/{made['id']}/{verb}").status_code == 404
    assert teammate.client.get("/api/v1/hooks").json()["results"] == []


def test_a_delivery_is_read_whole(owner: Any) -> None:
    made = make(owner)
    deliver(made["id"], b'{"n":1}', **{"x-request-id": "r-1", "content-type": "application/json"})
    binary = deliver(made["id"], b"\xff\xfe\0")
    listed = owner.client.get(f"/api/v1/hooks/{made['id']}/deliveries").json()
    assert [item["verdict"] for item in listed["results"]] == ["verified", "verified"]
    got = owner.client.get(f"/api/v1/deliveries/{listed['results'][1]['id']}").json()
    assert (got["body_text"], base64.b64decode(got["body"]), got["request_id"]) == ('{"n":1}', b'{"n":1}', "r-1")
    assert got["steps"][0]["title"] == "Bytes received"
    assert owner.client.get(f"/api/v1/deliveries/{binary.pk}").json()["body_text"] is None
    assert b"ff fe 00" in owner.client.get(f"/webhooks/{made['id']}?delivery={binary.pk}").content


def test_pages_of_deliveries_follow_each_other(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "PAGE", 2)
    made = make(owner)
    for number in range(5):
        deliver(made["id"], b"%d" % number)
    seen = []
    address: str | None = f"/api/v1/hooks/{made['id']}/deliveries"
    while address:
        got = owner.client.get(address).json()
        seen += [item["id"] for item in got["results"]]
        address = got["next"]
    assert len(seen) == len(set(seen)) == 5
    assert owner.client.get(f"/api/v1/hooks/{made['id']}/deliveries?cursor=junk").status_code == 400


def test_a_new_secret_counts_at_once_and_the_one_before_for_a_day(owner: Any) -> None:
    made = make(owner)
    second, third = "the next secret, also long", "the third secret, also long"
    response = owner.client.patch(f"/api/v1/hooks/{made['id']}", {"secret": second}, content_type="application/json")
    assert [secret["retires_at"] is None for secret in response.json()["secrets"]] == [True, False]
    assert deliver(made["id"], b"1", second).verdict == "verified"
    assert deliver(made["id"], b"2").verdict == "verified"
    endpoints.change_endpoint(by=owner.caller, endpoint_id=uuid.UUID(made["id"]), secret=third)
    assert deliver(made["id"], b"3").verdict == "refused", "two secrets at most"
    assert [entry.data["fields"] for entry in entries("hook:changed")] == [["secret"], ["secret"]]


def test_the_page_makes_changes_and_deletes(owner: Any) -> None:
    refused = owner.client.post("/webhooks", {"name": "x", "profile": "nice", "secret": "short"})
    assert refused.status_code == 422
    assert b"secret must be 8 to 512 bytes" in refused.content
    assert b'value="short"' not in refused.content
    made = owner.client.post("/webhooks", {"name": "x", "profile": "nice", "secret": SECRET})
    assert made.status_code == 302
    assert "Nothing has arrived" in owner.client.get(made["Location"]).content.decode()
    owner.client.post(made["Location"] + "/change", {"settings": "1", "debug": "on"})
    assert HookEndpoint.objects.get().debug
    assert b"is deleted" in owner.client.post(made["Location"] + "/delete", follow=True).content
    assert owner.client.get(made["Location"]).status_code == 404


def test_the_page_shows_the_verdict_first_then_the_steps(owner: Any) -> None:
    made = make(owner)
    delivery = deliver(made["id"], b'<script>alert(1)</script>{"a":1}', "another secret, not ours")
    shown = owner.client.get(f"/webhooks/{made['id']}").content.decode()
    assert "Refused: answered 401." in shown
    assert shown.index("Refused: answered 401.") < shown.index("How it was verified") < shown.index("As it arrived")
    assert "<script>alert" not in shown
    part = owner.client.get(f"/webhooks/{made['id']}?delivery={delivery.pk}", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert owner.client.get(f"/webhooks/{made['id']}?delivery={uuid.uuid4()}").status_code == 404


def test_a_short_secret_is_said_to_be_short_and_deliveries_stand_before_the_settings(owner: Any) -> None:
    made = make(owner, secret="x" * 23)
    deliver(made["id"], b"{}", "x" * 23)
    page = owner.client.get(f"/webhooks/{made['id']}").content.decode()
    assert "This secret has 23 bytes; use at least 24." in page
    assert page.index('id="inbox"') < page.index('id="settings"')
    assert "at least 8 bytes, better 24 or more" in owner.client.get("/webhooks").content.decode()


@pytest.mark.parametrize("name", [name for name in PROFILES if sample_commands(PROFILES[name], "x")])
def test_the_sample_commands_sign_what_they_send(name: str) -> None:
    """Run for real, with curl replaced by a command that says what it was given."""
    profile, address = PROFILES[name], "http://127.0.0.1:8000/in/x"
    secret = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=" if profile.key == "prefixed-base64" else "it's $ecret enough"
    commands = sample_commands(profile, address)
    quoted = "'" + secret.replace("'", "'\\''") + "'"
    script = commands.replace("read -rs WEBHOOK_SECRET", f"WEBHOOK_SECRET={quoted}").replace("curl -i", "printf '%s\n'")
    lines = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True).stdout.splitlines()
    headers = [(key, value) for key, separator, value in (line.partition(": ") for line in lines[:-1]) if separator]
    request = Request(headers, lines[-1].encode(), "POST", address)
    assert verify(profile, [Secret(secret.encode(), "f")], request, time.time()).verified, lines


def test_the_page_asks_the_database_the_same_whatever_is_in_it(owner: Any, django_assert_max_num_queries: Any) -> None:
    made = make(owner)
    for number in range(3):
        make(owner, name=f"other {number}", secret=f"another secret number {number}")
        deliver(made["id"], b"%d" % number, "a secret that is not the one")
    with django_assert_max_num_queries(14):
        assert b"Not explained" in owner.client.get(f"/webhooks/{made['id']}").content
    with django_assert_max_num_queries(6):
        owner.client.get("/webhooks")


def test_the_number_of_webhooks_of_one_person_is_bounded(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 2)
    for _ in range(2):
        make(owner)
    response = owner.client.post("/api/v1/hooks", {"name": "x", "profile": "nice", "secret": SECRET}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (409, "too_many_hooks")
    assert selectors.endpoints(owner.account.pk).count() == 2
