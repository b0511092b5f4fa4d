"""Where people are signed in: their own sign-ins, and everybody's for the platform team."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from identity import selectors
from identity.models import SsoSession

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere(owner: Any, sign_in: Callable[..., Any]) -> Any:
    """The owner's second device."""
    return sign_in("olga", groups=["integration-architects"], name="Olga Owner", sid="another")


def test_all_others_end_and_this_one_stays(owner: Any, elsewhere: Any, teammate: Any) -> None:
    page = owner.client.get("/account").content.decode()
    assert page.count("this one</span>") == 1
    assert "End all others" in page
    assert "127.0.0.1" in page
    assert owner.client.post("/account/sign-ins/end", {"keep": "this"})["Location"] == "/account"
    assert "Your other sign-in has ended." in owner.client.get("/account").content.decode()
    assert elsewhere.client.get("/account").status_code == 302
    assert teammate.client.get("/account").status_code == 200
    assert "End all others" not in owner.client.get("/account").content.decode()
    entry = Entry.objects.get(action="session:ended")
    assert (entry.subject, entry.data["person"], entry.data["reason"]) == (str(elsewhere.sso_session.pk), "Olga Owner", "ended_by_person")


def test_all_of_them_end(owner: Any, elsewhere: Any) -> None:
    assert owner.client.post("/account/sign-ins/end")["Location"] == "/signed-out"
    assert elsewhere.client.get("/account").status_code == 302
    assert owner.client.get("/account").status_code == 302


def test_the_page_says_what_the_provider_said_last(owner: Any) -> None:
    assert "lent no refresh token" in owner.client.get("/account").content.decode()
    SsoSession.objects.update(revalidate_at=timezone.now())
    assert "confirmed by the identity provider" in owner.client.get("/account").content.decode()
    SsoSession.objects.update(unanswered_since=timezone.now())
    assert "could not be asked about it since" in owner.client.get("/account").content.decode()


def test_the_platform_team_sees_everybody_and_ends_anybody(platform_person: Any, owner: Any, teammate: Any) -> None:
    page = platform_person.client.get("/sign-ins").content.decode()
    for name in ("Petra Platform", "Olga Owner", "Timo Teammate"):
        assert name in page
    only = platform_person.client.get("/sign-ins", {"who": "OLGA@example"}).content.decode()
    assert "Olga Owner" in only
    assert "Timo Teammate" not in only
    assert "Nobody fits" in platform_person.client.get("/sign-ins", {"who": "nobody at all"}).content.decode()
    assert platform_person.client.post(f"/sign-ins/{owner.sso_session.pk}/end")["Location"] == "/sign-ins"
    assert owner.client.get("/account").status_code == 302
    assert teammate.client.get("/account").status_code == 200
    entry = Entry.objects.get(action="session:ended")
    assert (entry.actor_name, entry.data["person"], entry.data["reason"]) == ("Petra Platform", "Olga Owner", "ended_by_platform_team")
    assert platform_person.client.post(f"/sign-ins/{owner.sso_session.pk}/end").status_code == 409
    assert platform_person.client.post(f"/sign-ins/{platform_person.sso_session.pk}/end")["Location"] == "/signed-out"


def test_nobody_else_does(owner: Any, teammate: Any, stranger: Any) -> None:
    for person in (owner, teammate, stranger):
        assert person.client.get("/sign-ins").status_code == 403
        assert person.client.post(f"/sign-ins/{teammate.sso_session.pk}/end").status_code == 403
    assert not SsoSession.objects.exclude(ended_at=None).exists()
    assert "Sign-ins" not in owner.client.get("/tokens").content.decode()


def test_the_api_lists_mine_and_ends_mine(owner: Any, elsewhere: Any, teammate: Any) -> None:
    listed = owner.client.get("/api/v1/sign-ins").json()
    assert {one["id"] for one in listed["results"]} == {str(owner.sso_session.pk), str(elsewhere.sso_session.pk)}
    assert [one["current"] for one in listed["results"] if one["id"] == str(owner.sso_session.pk)] == [True]
    assert owner.client.get("/api/v1/sign-ins?everybody=true").json()["code"] == "role_required"
    assert owner.client.delete(f"/api/v1/sign-ins/{teammate.sso_session.pk}").status_code == 404
    assert owner.client.delete(f"/api/v1/sign-ins/{elsewhere.sso_session.pk}").status_code == 204
    assert len(owner.client.get("/api/v1/sign-ins").json()["results"]) == 1


def test_the_api_lists_and_ends_anybodys_for_the_platform_team(platform_person: Any, owner: Any) -> None:
    listed = platform_person.client.get("/api/v1/sign-ins?everybody=true&who=olga").json()
    assert [one["person"] for one in listed["results"]] == ["Olga Owner"]
    assert listed["next"] is None
    assert platform_person.client.delete(f"/api/v1/sign-ins/{owner.sso_session.pk}").status_code == 204
    assert platform_person.client.delete(f"/api/v1/sign-ins/{owner.sso_session.pk}").json()["code"] == "sign_in_ended"
    assert owner.client.get("/api/v1/sign-ins").status_code == 401


def test_many_sign_ins_come_in_pages_with_few_queries(
    platform_person: Any, sign_in: Callable[..., Any], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(60):
        sign_in(f"person-{number}")
    with django_assert_max_num_queries(8):
        page = platform_person.client.get("/sign-ins").content.decode()
    assert page.count("/end") == 50
    assert platform_person.client.get("/sign-ins?page=2").content.decode().count("/end") == 11
    following = platform_person.client.get("/api/v1/sign-ins?everybody=true").json()["next"]
    assert following.endswith("?everybody=true&page=2")
    assert len(platform_person.client.get(following).json()["results"]) == 11


def test_what_is_over_is_not_listed(owner: Any, elsewhere: Any) -> None:
    SsoSession.objects.filter(pk=elsewhere.sso_session.pk).update(last_seen_at=timezone.now() - timedelta(hours=2))
    assert [one.pk for one in selectors.everybodys_sessions()] == [owner.sso_session.pk]


@pytest.mark.parametrize(("text", "page"), [("", 1), ("2", 2), ("0", 1), ("-1", 1), ("x", 1), ("999999", 1), ("٣", 1)])
def test_a_page_that_is_none_is_the_first(text: str, page: int) -> None:
    assert selectors.page_number(text) == page
