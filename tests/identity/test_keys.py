"""Access keys, and the account page: what hangs on a sign-in and how it is ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from identity import actions, selectors
from identity.models import AccessKey
from portal.errors import Conflict, Forbidden, Invalid, NotFound

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_kept_as_a_hash(owner: Any, everything_stored: Callable[[], str]) -> None:
    made = owner.client.post("/api/v1/access-keys", {"name": "nightly"}, content_type="application/json")
    assert made.status_code == 201
    document = made.json()
    assert document["key"].startswith("pak_")
    assert len(document["key"]) >= 47
    assert made["Cache-Control"] == "no-store"
    (listed,) = owner.client.get("/api/v1/access-keys").json()["results"]
    assert "key" not in listed
    assert document["key"] not in everything_stored()
    assert selectors.caller_of(access_key=document["key"]).via == "key"  # type: ignore[union-attr]


def test_a_key_makes_no_keys(owner: Any) -> None:
    headers = {"Authorization": f"Bearer {owner.access_key()}"}
    answer = Client().post("/api/v1/access-keys", {"name": "child"}, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_required")


def test_a_revoked_key_opens_nothing_and_revoking_twice_is_one_entry(owner: Any) -> None:
    value = owner.access_key()
    key = AccessKey.objects.get()
    for _ in range(2):
        assert owner.client.delete(f"/api/v1/access-keys/{key.pk}").status_code == 204
    assert selectors.caller_of(access_key=value) is None
    assert Entry.objects.filter(action="access_key:revoked").count() == 1
    assert owner.client.get("/api/v1/access-keys").json()["results"] == []


def test_nobody_revokes_the_key_of_another(owner: Any, platform_person: Any) -> None:
    owner.access_key()
    key = AccessKey.objects.get()
    assert platform_person.client.delete(f"/api/v1/access-keys/{key.pk}").status_code == 404
    assert platform_person.client.get("/api/v1/access-keys").json()["results"] == []
    with pytest.raises(NotFound):
        actions.revoke_access_key(key_id=uuid.uuid4(), by=platform_person.caller)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "two\nlines", "\x00"])
def test_a_key_needs_a_name_people_can_read(owner: Any, name: str) -> None:
    with pytest.raises(Invalid):
        actions.create_access_key(name=name, by=owner.caller)
    page = owner.client.post("/keys", {"name": name})
    assert page.status_code == 422
    assert "printable characters" in page.content.decode()


def test_a_sign_in_has_a_bounded_number_of_keys(owner: Any) -> None:
    for number in range(actions.KEYS_PER_SESSION):
        actions.create_access_key(name=str(number), by=owner.caller)
    with pytest.raises(Conflict):
        actions.create_access_key(name="one more", by=owner.caller)


def test_the_page_makes_a_key_shows_it_in_that_answer_only_and_revokes_it(owner: Any) -> None:
    made = owner.client.post("/keys", {"name": "laptop"}).content.decode()
    value = made.split("data-access-key>", 1)[1].split("<", 1)[0]
    assert selectors.caller_of(access_key=value) is not None
    later = owner.client.get("/keys").content.decode()
    assert "laptop" in later
    assert value not in later
    assert owner.client.post(f"/keys/{AccessKey.objects.get().pk}/revoke").status_code == 302
    assert selectors.caller_of(access_key=value) is None


def test_ending_one_sign_in_leaves_the_others(owner: Any, sign_in: Callable[..., Any]) -> None:
    other = sign_in("olga", groups=["integration-architects"], name="Olga Owner", sid="other")
    page = owner.client.get("/account").content.decode()
    assert page.count("/account/sign-ins/") == 4  # two, "all others" and "all"
    assert owner.client.post(f"/account/sign-ins/{other.sso_session.pk}/end")["Location"] == "/account"
    assert other.client.get("/account").status_code == 302
    assert owner.client.get("/account").status_code == 200


def test_ending_all_sign_ins_ends_this_one_too(owner: Any, sign_in: Callable[..., Any]) -> None:
    other = sign_in("olga", groups=["integration-architects"], name="Olga Owner", sid="other")
    assert owner.client.post("/account/sign-ins/end")["Location"] == "/signed-out"
    assert owner.client.get("/account").status_code == 302
    assert other.client.get("/account").status_code == 302
    assert Entry.objects.filter(action="session:ended").count() == 2


def test_nobody_ends_the_sign_in_of_another(owner: Any, platform_person: Any) -> None:
    assert platform_person.client.post(f"/account/sign-ins/{owner.sso_session.pk}/end").status_code == 404
    assert owner.client.get("/account").status_code == 200


def test_a_role_is_asked_for_by_name(teammate: Any) -> None:
    from identity.guards import check_role

    with pytest.raises(Forbidden, match="platform-team") as refused:
        check_role(teammate.caller, "platform")
    assert refused.value.code == "role_required"


def test_pages_of_a_person_are_not_kept_by_caches(owner: Any) -> None:
    answer = owner.client.get("/account")
    assert "no-store" in answer["Cache-Control"]
    assert "Cookie" in answer["Vary"]


def test_a_page_costs_few_queries(owner: Any, django_assert_max_num_queries: Any) -> None:
    owner.client.get("/account")
    with django_assert_max_num_queries(9):
        owner.client.get("/account")
