"""Who calls, beside Django: the same people, stricter about forms of other sites."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.middleware.csrf import get_token
from django.test import RequestFactory

from identity import actions
from identity.edge import authenticate
from portal.errors import Forbidden, Unauthenticated

pytestmark = pytest.mark.django_db


@pytest.fixture
def csrf() -> tuple[str, str]:
    """The cookie's secret and a masked token of it, as a page gives them out."""
    request = RequestFactory().get("/")
    token = get_token(request)
    return request.META["CSRF_COOKIE"], token


def headers(person: Any, csrf: tuple[str, str], **more: str) -> dict[str, str]:
    cookies = (
        f"{settings.SESSION_COOKIE_NAME}={person.client.cookies[settings.SESSION_COOKIE_NAME].value}; {settings.CSRF_COOKIE_NAME}={csrf[0]}"
    )
    return {"host": "127.0.0.1:8000", "cookie": cookies, **{name.replace("_", "-"): value for name, value in more.items()}}


def test_a_cookie_with_the_csrf_header_is_its_person(owner: Any, csrf: tuple[str, str]) -> None:
    for token in csrf:
        caller = authenticate(headers(owner, csrf, x_csrftoken=token), remote="127.0.0.1")
        assert (caller.account_id, caller.via) == (owner.account.pk, "cookie")
        assert caller.actor.remote == "127.0.0.1"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"x_csrftoken": ""},
        {"x_csrftoken": "x" * 32},
        {"x_csrftoken": "x" * 64},
        {"x_csrftoken": "ñ"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_a_cookie_alone_or_from_elsewhere_is_refused(owner: Any, csrf: tuple[str, str], more: dict[str, str]) -> None:
    given = more if "origin" not in more else {**more, "x_csrftoken": csrf[1]}
    with pytest.raises(Forbidden) as refused:
        authenticate(headers(owner, csrf, **given), remote="")
    assert refused.value.code == "csrf_failed"


def test_an_access_key_needs_no_csrf_and_wins_over_the_cookie(owner: Any, teammate: Any, csrf: tuple[str, str]) -> None:
    key = teammate.access_key()
    caller = authenticate(headers(owner, csrf, authorization=f"Bearer {key}"), remote="")
    assert (caller.account_id, caller.via) == (teammate.account.pk, "key")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"cookie": ""},
        {"cookie": f"{settings.SESSION_COOKIE_NAME}="},
        {"cookie": f"{settings.SESSION_COOKIE_NAME}=" + "x" * 5000},
        {"cookie": f'{settings.SESSION_COOKIE_NAME}="\\000aaaaaaaaaaaa"'},
        {"cookie": f"{settings.SESSION_COOKIE_NAME}=ñandu-ñandu-ñandu"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer pak_" + "x" * 43},
        {"authorization": "Basic b2xnYTpwdw=="},
        {"authorization": "bearer\tx"},
    ],
    ids=str,
)
def test_nobody_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        authenticate(given, remote="")


def test_an_ended_sign_in_is_nobody(owner: Any, csrf: tuple[str, str]) -> None:
    key = owner.access_key()
    actions.end_session(session_id=owner.sso_session.pk, reason="test", by=owner.caller.actor)
    for given in (headers(owner, csrf, x_csrftoken=csrf[1]), {"authorization": f"Bearer {key}"}):
        with pytest.raises(Unauthenticated):
            authenticate(given, remote="")


def test_somebody_without_a_role_is_told_who_grants_one(stranger: Any, csrf: tuple[str, str]) -> None:
    with pytest.raises(Forbidden, match="sandbox-developers") as refused:
        authenticate(headers(stranger, csrf, x_csrftoken=csrf[1]), remote="")
    assert refused.value.code == "no_role"
