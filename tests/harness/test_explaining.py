"""Explanations as an owner asks for them: at once, or by a worker whose row says how far it is."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.selectors import Facets, page
from harness import selectors
from harness.actions import diagnosing, endpoints
from harness.actions.receiving import Incoming, receive
from harness.models import DeepSearch, Delivery, HookEndpoint
from harness.tasks import sweep
from tests.harness.signing import signature

SECRET = "a webhook secret of 30 letters"
BODY = b'{"n": 10.0, "name": "J\xc3\xb6rg"}\n'
pytestmark = pytest.mark.django_db


def make(person: Any, name: str = "orders", secret: str = SECRET) -> HookEndpoint:
    return endpoints.create_endpoint(by=person.caller, name=name, profile="genesys", secret=secret, debug=True)


def refuse(hook: HookEndpoint, value: str, body: bytes = BODY) -> Delivery:
    made = receive(endpoint_id=hook.pk, incoming=Incoming((("x-genesys-signature", value),), "", body, "10.0.0.9"))
    assert made.verdict == "refused"
    return made


def ask(person: Any, delivery: Delivery) -> Any:
    response = person.client.post(f"/api/v1/deliveries/{delivery.pk}/diagnose")
    assert response.status_code == 200, response.content
    return response.json()


def look(person: Any, delivery: Delivery) -> Any:
    return person.client.get(f"/api/v1/deliveries/{delivery.pk}/diagnose").json()


def rewritten(**options: Any) -> bytes:
    return json.dumps(json.loads(BODY), **options).encode()


def test_one_mistake_is_explained_at_once_with_the_line_to_change(owner: Any) -> None:
    delivery = refuse(make(owner), signature(SECRET.encode(), rewritten()))
    told = ask(owner, delivery)
    assert (told["state"], told["search"]) == ("explained", None)
    (finding,) = told["findings"]
    assert finding["id"] == "body.json.python"
    assert finding["title"] == "Signed over re-serialized JSON"
    assert finding["proved"] is True
    assert finding["secret"] == endpoints.fingerprint(SECRET.encode())
    assert "Byte 8 is the first that differs" not in finding["text"]
    assert finding["difference"].startswith("Byte ")
    assert [line["language"] for line in finding["lines"]] == ["Node", "Python", "Go", "Java", "C#", "PHP"]
    assert finding["lines"][0]["code"].startswith("const text = rawBody;")
    ((entry,), _more) = page(Facets(action="delivery:diagnosed"), before=None, size=5)
    assert entry.data["findings"] == ["body.json.python"]
    assert not DeepSearch.objects.exists()


def test_two_mistakes_are_found_by_the_worker_and_its_progress_is_on_the_row(owner: Any) -> None:
    delivery = refuse(make(owner), signature(SECRET.encode() + b"\n", rewritten(separators=(",", ":"))))
    told = ask(owner, delivery)
    assert (told["state"], told["search"]["state"], told["findings"]) == ("searching", "queued", [])
    assert ask(owner, delivery)["search"]["requested_at"] == told["search"]["requested_at"], "asked twice, searched once"
    assert sweep() == 1
    done = look(owner, delivery)
    assert (done["state"], done["search"]["state"], done["search"]["progress"]) == ("explained", "done", 100)
    assert done["search"]["level"] == 2
    assert set(done["findings"][0]["changes"]) == {"body.json.php", "key.newline-added"}
    assert "PHP's json_encode, or Python's json.dumps with compact separators" in done["findings"][0]["text"], "both write the same here"
    assert sweep() == 0


def test_what_nothing_explains_is_said_to_be_so(owner: Any) -> None:
    delivery = refuse(make(owner), "5a" * 32)
    ask(owner, delivery)
    sweep()
    done = look(owner, delivery)
    assert (done["state"], done["findings"], done["search"]["level"]) == ("not_explained", [], 3)
    assert done["search"]["tried"] > 1_000
    assert ask(owner, delivery)["state"] == "searching", "asking again searches again"


def test_the_secret_of_another_webhook_of_ones_own_is_named_and_nobody_elses_is_tried(owner: Any, teammate: Any) -> None:
    theirs = "the secret of somebody else's"
    make(teammate, "not yours", theirs)
    mine = make(owner)
    make(owner, "staging orders", "what staging signs with, long")
    swapped = refuse(mine, signature(b"what staging signs with, long", BODY))
    told = ask(owner, swapped)
    assert told["findings"][0]["id"] == "key.other-endpoint"
    assert "staging orders" in told["findings"][0]["text"]
    foreign = refuse(mine, signature(theirs.encode(), BODY))
    ask(owner, foreign)
    sweep()
    assert look(owner, foreign)["state"] == "not_explained"


def test_only_the_owner_may_ask(owner: Any, teammate: Any) -> None:
    delivery = refuse(make(owner), "5a" * 32)
    for method in (teammate.client.post, teammate.client.get):
        assert method(f"/api/v1/deliveries/{delivery.pk}/diagnose").status_code == 404
    assert owner.client.post(f"/api/v1/deliveries/{uuid.uuid4()}/diagnose").status_code == 404
    assert not DeepSearch.objects.exists()


def test_what_was_verified_has_nothing_to_explain(owner: Any) -> None:
    hook = make(owner)
    fine = receive(endpoint_id=hook.pk, incoming=Incoming((("x-genesys-signature", signature(SECRET.encode(), BODY)),), "", BODY, ""))
    for method in (owner.client.post, owner.client.get):
        assert method(f"/api/v1/deliveries/{fine.pk}/diagnose").json()["code"] == "not_refused"


def test_a_worker_that_died_is_followed_by_another_and_not_for_ever(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = refuse(make(owner), "5a" * 32)
    ask(owner, delivery)

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(selectors, "diagnosis", killed)
    for attempt in range(1, 4):
        with pytest.raises(Killed):
            diagnosing.run_due()
        search = DeepSearch.objects.get()
        assert (search.state, search.attempts) == ("running", attempt)
        assert diagnosing.run_due() == 0, "its lease runs"
        DeepSearch.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert diagnosing.run_due() == 0
    assert DeepSearch.objects.get().state == "failed"


def test_a_worker_whose_lease_went_to_another_writes_nothing(owner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = refuse(make(owner), "5a" * 32)
    ask(owner, delivery)
    real = selectors.diagnosis

    def overtaken(*arguments: Any, **options: Any) -> Any:
        DeepSearch.objects.update(lease_owner="another")
        return real(*arguments, **options)

    monkeypatch.setattr(selectors, "diagnosis", overtaken)
    diagnosing.run_due()
    assert DeepSearch.objects.get().state == "running"


def test_nothing_of_it_holds_a_secret(owner: Any, everything_stored: Any) -> None:
    delivery = refuse(make(owner), signature(SECRET.encode() + b"\n", rewritten(separators=(",", ":"))))
    told = json.dumps(ask(owner, delivery))
    sweep()
    told += json.dumps(look(owner, delivery)) + everything_stored()
    assert SECRET not in told
    assert signature(SECRET.encode(), BODY) not in json.dumps(look(owner, delivery)), "nothing tells what would have been right"
