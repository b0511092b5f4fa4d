"""Who was not let in stands in the log, whichever door they tried."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Entry

pytestmark = pytest.mark.django_db


def refusals() -> list[tuple[str, str, str, dict[str, Any]]]:
    found = Entry.objects.filter(action__in=["access:refused", "access_key:refused"]).order_by("pk")
    return [(entry.action, entry.actor_name, entry.code, entry.data) for entry in found]


@pytest.mark.parametrize("path", ["/audit", "/sync", "/api/v1/audit", "/api/v1/sources"])
def test_a_role_somebody_lacks_is_an_entry_with_what_was_asked(owner: Any, path: str) -> None:
    assert owner.client.get(path).status_code == 403
    ((action, name, code, data),) = refusals()
    assert (action, name, code) == ("access:refused", "Olga Owner", "role_required")
    assert (data["method"], data["path"], data["role"], data["groups"]) == ("GET", path, "platform", ["integration-architects"])


def test_the_same_with_an_access_key(owner: Any) -> None:
    answer = owner.client.post(
        "/api/v1/sources/contact-center/sync", headers={"Authorization": f"Bearer {owner.access_key()}", "Cookie": ""}
    )
    assert answer.status_code == 403
    assert [(action, code) for action, _, code, _ in refusals()] == [("access:refused", "role_required")]


def test_somebody_in_no_group_is_an_entry_too(stranger: Any) -> None:
    assert stranger.client.get("/apis").status_code == 403
    ((action, name, code, data),) = refusals()
    assert (action, name, code, data["path"]) == ("access:refused", "Sven Stranger", "no_role", "/apis")


def test_a_key_that_opens_nothing_is_an_entry_with_no_more_of_it_than_its_owner_sees(client: Any, make_grants: Any) -> None:
    make_grants()
    key = "pak_" + "a1b2c3d4" * 5
    assert client.get("/api/v1/apis", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    ((action, name, code, data),) = refusals()
    assert (action, name, code) == ("access_key:refused", "stranger", "unauthenticated")
    assert data["prefix"] == key[:10]


def test_what_is_no_access_key_is_not_kept(client: Any, make_grants: Any) -> None:
    make_grants()
    assert client.get("/api/v1/apis", headers={"Authorization": "Bearer somebody-elses-secret"}).status_code == 401
    assert refusals() == []


def test_what_one_may_open_is_no_refusal(platform_person: Any) -> None:
    assert platform_person.client.get("/audit").status_code == 200
    assert refusals() == []
