"""The cookie of a browser opens the portal; nothing that is kept does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from identity.browser_sessions import SessionStore, row_of
from identity.models import SsoSession

pytestmark = pytest.mark.django_db


def test_no_cookie_is_kept_and_nothing_that_is_kept_is_one(owner: Any, everything_stored: Callable[[], str]) -> None:
    cookie = owner.client.cookies[settings.SESSION_COOKIE_NAME].value
    assert owner.client.get("/account").status_code == 200
    assert cookie not in everything_stored()
    kept = {*Session.objects.values_list("session_key", flat=True), *SsoSession.objects.values_list("session_key", flat=True)}
    assert kept == {row_of(cookie)}
    for key in kept:
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = key
        assert thief.get("/account").status_code == 302


def test_a_session_is_written_read_and_deleted_by_its_key_alone() -> None:
    store = SessionStore()
    store["a"] = 1
    store.save()
    key = store.session_key
    assert key is not None
    assert SessionStore(key)["a"] == 1
    assert store.exists(key)
    assert not store.exists(row_of(key))
    SessionStore(row_of(key)).delete()
    assert SessionStore(key)["a"] == 1
    store.delete()
    assert not Session.objects.exists()
    assert SessionStore(key).load() == {}


def test_a_new_key_takes_the_session_along() -> None:
    store = SessionStore()
    store["a"] = 1
    store.save()
    before = store.session_key
    store.cycle_key()
    assert store.session_key != before
    assert SessionStore(store.session_key)["a"] == 1
    assert SessionStore(before).load() == {}
