"""People who are really signed in: accounts, session rows and cookies, made by the same actions a sign-in uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from identity import actions, provider, selectors
from identity.access import Grant
from identity.callers import Caller
from identity.models import Account, SsoSession
from tests.peers.process import Peer
from tests.peers.process import provider as provider_process
from upstream import breaker

ISSUER = "https://id.example"

GRANTS = (
    Grant(
        group="sandbox-developers",
        role="developer",
        environments=frozenset({"sandbox", "staging"}),
        write=frozenset({"sandbox", "staging"}),
        per_minute=50,
        scopes={"genesys": frozenset({"integration:read"})},
    ),
    Grant(
        group="integration-architects",
        role="architect",
        environments=frozenset({"sandbox", "staging", "production"}),
        write=frozenset({"sandbox", "staging"}),
        per_minute=200,
        scopes={"genesys": frozenset({"integration:read", "webhook:manage"}), "cxone": frozenset({"interactions:read"})},
    ),
    Grant(
        group="platform-team",
        role="platform",
        environments=frozenset({"sandbox", "staging", "production"}),
        write=frozenset({"sandbox", "staging", "production"}),
        per_minute=200,
        scopes={
            "genesys": frozenset({"integration:read", "webhook:manage", "reporting:dashboard:read"}),
            "cxone": frozenset({"interactions:read", "interactions:write"}),
        },
    ),
)


@dataclass
class Person:
    """Somebody signed in: ``client`` is their browser."""

    account: Account
    sso_session: SsoSession
    client: Client

    @property
    def caller(self) -> Caller:
        """Who they are to the portal right now. Fails when their sign-in is over."""
        caller = selectors.caller_of(session_key=self.client.cookies[settings.SESSION_COOKIE_NAME].value, remote="127.0.0.1")
        assert caller is not None, "this sign-in is over"
        return caller

    def access_key(self, name: str = "test") -> str:
        """A new access key of this sign-in."""
        _, value = actions.create_access_key(name=name, by=self.caller)
        return value


@pytest.fixture(autouse=True)
def forget_what_processes_keep() -> Iterator[None]:
    """What lives in the process and not in the database is forgotten between tests."""
    selectors.forget_grants()
    cache.clear()
    provider.forget()
    breaker.reset()
    yield
    selectors.forget_grants()


@pytest.fixture
def make_grants(db: None) -> Callable[..., None]:
    """Put grants in force; with no arguments the three groups of the demo."""

    def make(*grants: Grant) -> None:
        actions.publish_grants(grants or GRANTS, commit="c" * 40)

    return make


@pytest.fixture
def sign_in(db: None) -> Callable[..., Person]:
    """Sign somebody in: ``sign_in("ada", groups=["platform-team"])``. The rows are those of a real sign-in."""

    def make(subject: str, *, groups: list[str] | None = None, name: str = "", sid: str = "", enforce_csrf: bool = False) -> Person:
        account = actions.remember_account(issuer=ISSUER, subject=subject, name=name or subject.title(), email=f"{subject}@example.com")
        browser = import_module(settings.SESSION_ENGINE).SessionStore()
        browser.create()
        session = actions.start_session(
            account=account,
            sign_in=actions.SignIn(issuer=ISSUER, subject=subject, groups=tuple(groups or ()), sid=sid or f"sid-{subject}"),
            session_key=browser.session_key,
            user_agent="pytest",
            remote="127.0.0.1",
        )
        client = Client(enforce_csrf_checks=enforce_csrf)
        client.cookies[settings.SESSION_COOKIE_NAME] = browser.session_key
        return Person(account=account, sso_session=session, client=client)

    return make


@pytest.fixture
def owner(make_grants: Callable[..., None], sign_in: Callable[..., Person]) -> Person:
    """An integration architect."""
    make_grants()
    return sign_in("olga", groups=["integration-architects"], name="Olga Owner")


@pytest.fixture
def teammate(make_grants: Callable[..., None], sign_in: Callable[..., Person]) -> Person:
    """A sandbox developer."""
    make_grants()
    return sign_in("timo", groups=["sandbox-developers"], name="Timo Teammate")


@pytest.fixture
def stranger(make_grants: Callable[..., None], sign_in: Callable[..., Person]) -> Person:
    """Signed in, in no group at all."""
    make_grants()
    return sign_in("sven", groups=[], name="Sven Stranger")


@pytest.fixture
def platform_person(make_grants: Callable[..., None], sign_in: Callable[..., Person]) -> Person:
    """A member of the platform team."""
    make_grants()
    return sign_in("petra", groups=["platform-team"], name="Petra Platform")


@pytest.fixture(scope="session")
def peer() -> Iterator[Peer]:
    """A certified OpenID provider and token endpoint, for tests marked ``node``."""
    with provider_process() as running:
        yield running


@pytest.fixture
def everything_stored(db: None) -> Callable[[], str]:
    """Every row of every table as text: for looking for what must not be there."""

    def read() -> str:
        rows = (row for model in apps.get_models() for row in model._base_manager.values_list())
        return "\n".join(
            " ".join(bytes(value).hex() + str(bytes(value)) if isinstance(value, (bytes, memoryview)) else str(value) for value in row)
            for row in rows
        )

    return read
