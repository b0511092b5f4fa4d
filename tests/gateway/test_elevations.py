"""More quota for a while: who asks, who decides, what holds in between, and what a call costs because of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from audit.models import Entry
from gateway import elevations
from gateway.actions import decide_elevation, request_elevation
from gateway.limits import windows_for
from gateway.models import Elevation
from portal.errors import Conflict
from quotas.actions import MESSAGE
from tests.conftest import Person

SignIn = Callable[..., Person]
ASKED = {"per_minute": 500, "minutes": 30, "reason": "Load test of the new routing"}


def ask(client: Client, **changes: Any) -> Any:
    return client.post("/api/v1/elevations", ASKED | changes, content_type="application/json")


def decide(client: Client, elevation: str, verb: str) -> Any:
    answer = client.post(f"/api/v1/elevations/{elevation}/{verb}")
    elevations.forget()  # on commit, which a test's transaction never comes to
    return answer


def entries(action: str) -> list[Entry]:
    return list(Entry.objects.filter(action__startswith=action).order_by("pk"))


def limit_of(person: Person) -> int:
    return windows_for(person.account.pk, person.caller.access, None)[0].limit


@pytest.fixture
def asked(owner: Person) -> str:
    identifier: str = ask(owner.client).json()["id"]
    return identifier


def test_a_request_waits_and_changes_nothing(owner: Person) -> None:
    answer = ask(owner.client)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["state"], told["person"], told["until"], told["decided_by"]) == ("pending", "Olga Owner", None, "")
    assert limit_of(owner) == 200
    (entry,) = entries("elevation:")
    assert (entry.action, entry.actor_name, entry.data["limit"], entry.data["seconds"]) == ("elevation:requested", "Olga Owner", 500, 1800)
    assert entry.data["elevation"] == told["id"]


def test_an_approval_is_in_force_until_its_end_and_says_so(owner: Person, platform_person: Person, asked: str) -> None:
    before = timezone.now()
    answer = decide(platform_person.client, asked, "approve")
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["decided_by"]) == ("in_force", "Petra Platform")
    assert limit_of(owner) == 500
    told = owner.client.get("/api/v1/quota").json()["person"]
    assert (told["limit"], told["raised"]["per_minute"], told["raised"]["approved_by"]) == (500, 500, "Petra Platform")
    assert told["reason"].startswith("Raised until ")
    assert "your groups alone give 200 a minute" in told["reason"]
    row = Elevation.objects.get(pk=asked)
    assert row.until is not None
    assert timedelta(minutes=30) <= row.until - before < timedelta(minutes=31)
    assert [entry.action for entry in entries("elevation:")] == ["elevation:requested", "elevation:approved"]
    approved = entries("elevation:approved")[0]
    assert (approved.actor_name, approved.subject, approved.data["until"]) == ("Petra Platform", "Olga Owner", row.until.isoformat())


def test_it_ends_by_itself_at_the_very_moment(owner: Person, platform_person: Person, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decide(platform_person.client, asked, "approve")
    assert limit_of(owner) == 500
    later = timezone.now() + timedelta(minutes=30, seconds=1)
    monkeypatch.setattr("gateway.elevations.timezone.now", lambda: later)
    assert limit_of(owner) == 200  # though what is kept has not been read again
    assert Elevation.objects.get(pk=asked).standing == "ended"


def test_the_larger_of_the_groups_number_and_the_elevation_holds(owner: Person, platform_person: Person) -> None:
    now = timezone.now()
    for per_minute, minutes in ((300, 60), (900, 5), (100, 90)):
        Elevation.objects.create(
            account=owner.account,
            per_minute=per_minute,
            minutes=minutes,
            reason="x",
            state="approved",
            until=now + timedelta(minutes=minutes),
        )
    assert limit_of(owner) == 900
    Elevation.objects.exclude(per_minute=100).delete()
    elevations.forget()
    assert limit_of(owner) == 200
    assert owner.client.get("/api/v1/quota").json()["person"]["raised"] is None


def test_over_the_raised_limit_the_refusal_is_the_same(owner: Person, platform_person: Person, settings: Any) -> None:
    from portal.errors import QuotaExceeded
    from quotas.actions import spend

    settings.REDIS_URL = ""
    asked = ask(owner.client, per_minute=201).json()["id"]
    decide(platform_person.client, asked, "approve")
    windows = windows_for(owner.account.pk, owner.caller.access, None)
    for _ in range(201):
        spend(windows)
    with pytest.raises(QuotaExceeded) as refused:
        spend(windows)
    assert refused.value.detail == MESSAGE
    assert refused.value.headers["RateLimit-Policy"] == '"person";q=201;w=60'


def test_a_refusal_changes_nothing_and_is_kept(owner: Person, platform_person: Person, asked: str) -> None:
    assert decide(platform_person.client, asked, "refuse").json()["state"] == "refused"
    assert limit_of(owner) == 200
    assert entries("elevation:refused")[0].data["reason"] == ASKED["reason"]
    assert ask(owner.client).status_code == 201  # one may ask again


@pytest.mark.parametrize("verb", ["approve", "refuse"])
def test_only_the_platform_team_decides_and_only_once(
    owner: Person, teammate: Person, platform_person: Person, sign_in: SignIn, asked: str, verb: str
) -> None:
    for person in (owner, teammate):
        answer = decide(person.client, asked, verb)
        assert (answer.status_code, answer.json()["code"]) == (403, "role_required")
        assert person.client.post(f"/quotas/elevations/{asked}/{verb}").status_code == 403
    assert Elevation.objects.get(pk=asked).state == "pending"
    assert decide(platform_person.client, asked, verb).status_code == 200
    second = decide(sign_in("paul", groups=["platform-team"]).client, asked, "approve")
    assert (second.status_code, second.json()["code"]) == (409, "elevation_decided")
    assert len(entries("elevation:")) == 2
    assert decide(platform_person.client, str(uuid.uuid4()), verb).json()["code"] == "unknown_elevation"


def test_nobody_approves_their_own(platform_person: Person, sign_in: SignIn) -> None:
    asked = ask(platform_person.client).json()["id"]
    answer = decide(platform_person.client, asked, "approve")
    assert (answer.status_code, answer.json()["code"]) == (403, "own_elevation")
    assert limit_of(platform_person) == 200
    assert [entry.action for entry in entries("elevation:")] == ["elevation:requested"]
    assert decide(sign_in("paul", groups=["platform-team"]).client, asked, "approve").status_code == 200
    assert limit_of(platform_person) == 500


def test_one_request_waits_at_a_time_and_it_must_be_for_more(owner: Person, asked: str) -> None:
    assert (ask(owner.client).status_code, ask(owner.client).json()["code"]) == (409, "elevation_pending")
    assert ask(owner.client, per_minute=200).json()["code"] == "elevation_needless"
    for changes in ({"per_minute": 0}, {"per_minute": 10**6}, {"minutes": 0}, {"minutes": 1_441}, {"reason": " "}, {"reason": "x" * 501}):
        assert ask(owner.client, **changes).status_code == 422, changes
    assert Elevation.objects.count() == len(entries("elevation:")) == 1


def test_a_secret_in_the_reason_is_kept_nowhere(owner: Person) -> None:
    told = ask(owner.client, reason="for password=hunter2hunter2").json()
    assert "hunter2" not in told["reason"]
    assert "hunter2" not in str(entries("elevation:")[0].data)


def test_one_sees_ones_own_and_the_platform_team_all(owner: Person, teammate: Person, platform_person: Person, asked: str) -> None:
    ask(teammate.client)
    people = {
        person.account.name: [one["person"] for one in person.client.get("/api/v1/elevations").json()["results"]]
        for person in (owner, teammate, platform_person)
    }
    assert people == {
        "Olga Owner": ["Olga Owner"],
        "Timo Teammate": ["Timo Teammate"],
        "Petra Platform": ["Timo Teammate", "Olga Owner"],
    }
    page = owner.client.get("/api/v1/elevations?limit=1").json()
    assert page["next"] is None


# --- What it costs ---------------------------------------------------------------------------------------------------------


def test_a_call_asks_the_database_for_elevations_once_a_second_for_everybody_and_not_once_a_call(
    owner: Person, teammate: Person, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("gateway.elevations.time.monotonic", lambda: clock[0])
    callers = [person.caller for person in (owner, teammate)]
    elevations.forget()
    with django_assert_num_queries(1):
        for _ in range(100):
            for caller in callers:
                windows_for(caller.account_id, caller.access, None)
    clock[0] += elevations.KEPT_SECONDS
    with django_assert_num_queries(1):
        windows_for(callers[0].account_id, callers[0].access, None)


def test_an_approval_is_in_force_here_as_soon_as_it_is_committed(
    owner: Person, platform_person: Person, asked: str, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    assert limit_of(owner) == 200
    with django_capture_on_commit_callbacks(execute=True):
        decide_elevation(elevation_id=uuid.UUID(asked), by=platform_person.caller, approve=True)
    assert limit_of(owner) == 500


def test_the_page_costs_the_same_however_many_requests_there_are(
    owner: Person, platform_person: Person, sign_in: SignIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ask(owner.client)
    with django_assert_max_num_queries(12):
        platform_person.client.get("/quotas")
    for number in range(5):
        ask(sign_in(f"dev{number}", groups=["sandbox-developers"]).client)
    with django_assert_max_num_queries(12):
        assert platform_person.client.get("/quotas").content.count(b">Approve<") == 6


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    yield


def test_of_two_who_decide_at_once_one_does(committed: None, make_grants: Callable[..., None], sign_in: SignIn) -> None:
    make_grants()
    asker = sign_in("olga", groups=["integration-architects"]).caller
    deciders = [sign_in(name, groups=["platform-team"]).caller for name in ("petra", "paul")]
    asked = request_elevation(by=asker, **ASKED)  # type: ignore[arg-type]

    def run(number: int) -> bool:
        try:
            decide_elevation(elevation_id=asked.pk, by=deciders[number], approve=number == 0)
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, range(2))) == [False, True]
    assert len(entries("elevation:")) == 2


# --- The page --------------------------------------------------------------------------------------------------------------


def test_the_page_asks_decides_and_shows_until_when(owner: Person, platform_person: Person) -> None:
    page = owner.client.get("/quotas").content.decode()
    assert "Ask for more" in page
    assert ">Approve<" not in page
    answer = owner.client.post("/quotas/elevations", ASKED | {"reason": "<b>load</b>"})
    assert (answer.status_code, answer["Location"]) == (302, "/quotas#more")
    page = owner.client.get("/quotas").content.decode()
    assert "Your request waits for the platform team" in page
    assert "&lt;b&gt;load" in page
    asked = Elevation.objects.get()
    theirs = platform_person.client.get("/quotas").content.decode()
    assert f"/quotas/elevations/{asked.pk}/approve" in theirs
    assert "Olga Owner" in theirs
    assert platform_person.client.post(f"/quotas/elevations/{asked.pk}/approve").status_code == 302
    elevations.forget()
    page = " ".join(owner.client.get("/quotas").content.decode().split())
    assert "in force" in page
    assert "Raised until" in page
    assert "500 a minute, ends in" in page
    assert "decided by Petra Platform" in page


def test_what_is_wrong_with_a_request_stands_on_the_page(owner: Person) -> None:
    answer = owner.client.post("/quotas/elevations", ASKED | {"per_minute": 150})
    assert answer.status_code == 422
    assert "ask for more" in answer.content.decode()
    assert 'value="150"' in answer.content.decode()
    assert owner.client.post("/quotas/elevations", {"per_minute": "many"}).status_code == 422
    assert Elevation.objects.count() == 0


def test_the_form_needs_the_portals_token(make_grants: Callable[..., None], sign_in: SignIn) -> None:
    make_grants()
    person = sign_in("olga", groups=["integration-architects"], enforce_csrf=True)
    assert person.client.post("/quotas/elevations", ASKED).status_code == 403
    assert ask(person.client).json()["code"] == "csrf_failed"
    assert Elevation.objects.count() == 0
