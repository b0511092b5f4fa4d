"""The sign-in of the demo world is asked about at its own provider, as a real one would be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identity import revalidation
from identity.models import SsoSession
from tests.demo.provider import Browser, Provider, identity_provider
from tests.peers.process import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.own_process]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    home: Path = tmp_path_factory.mktemp("demo-world")
    with identity_provider(home, free_port()) as provider:
        yield provider


def ask_again() -> SsoSession:
    SsoSession.objects.update(revalidate_at=timezone.now())
    assert revalidation.revalidate_due_sessions() == 1
    return SsoSession.objects.get()


def test_groups_and_the_grant_follow_the_demo_provider(running: Provider, settings: Any, make_grants: Any) -> None:
    make_grants()
    settings.OIDC_ISSUER = running.world.issuer
    settings.OIDC_RP_CLIENT_ID = "portal"
    settings.OIDC_RP_CLIENT_SECRET = running.world.secrets["portal"]
    client = Client(headers={"host": f"127.0.0.1:{running.portal_port}"})
    begun = client.get("/oidc/authenticate/")
    back = running.sign_in(Browser(), "architect", begun["Location"])
    answer = client.get(back.location.removeprefix(f"http://127.0.0.1:{running.portal_port}"))
    assert answer.status_code == 302, answer.content
    assert ask_again().groups == ["integration-architects"]
    with sqlite3.connect(running.world.identity_database) as database:
        database.execute("DELETE FROM auth_user_groups")
    session = ask_again()
    assert (session.groups, session.ended_at) == ([], None)
    with sqlite3.connect(running.world.identity_database) as database:
        database.execute("UPDATE oauth2_provider_refreshtoken SET revoked = CURRENT_TIMESTAMP")
    assert ask_again().end_reason == "revalidation_refused"
