"""What a person may hold, how it is taken, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.actions import PORTAL
from audit.models import Entry
from identity import actions as identity_actions
from identity.access import Grant
from identity.models import SsoSession
from portal.errors import Conflict, Forbidden, Invalid, NotFound, PortalError, Unauthenticated
from tests.tokens.conftest import Endpoint
from tokens import actions, selectors, store, tasks
from tokens.models import Revocation, SealedToken, TokenLease

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

READ = ["integration:read"]


def take(person: Any, scopes: list[str] | None = None, **ask: Any) -> TokenLease:
    return actions.create_lease(
        **{"by": person.caller, "platform": "genesys", "environment": "staging", "scopes": scopes or READ, "purpose": "a test", **ask}
    )


def call(person: Any, *alternatives: list[str]) -> actions.Leased:
    leased = actions.lease_for_call(by=person.caller, platform="genesys", environment="staging", scopes=alternatives)
    assert leased is not None
    return leased


def end_session(person: Any) -> None:
    identity_actions.end_session(session_id=person.sso_session.pk, reason="test", by=PORTAL)


def test_a_lease_asks_for_exactly_the_scopes_and_keeps_no_token_in_clear(
    owner: Any, endpoint: Endpoint, everything_stored: Callable[[], str]
) -> None:
    lease = take(owner, ["webhook:manage", "integration:read"])
    assert endpoint.forms == [{"grant_type": "client_credentials", "scope": "integration:read webhook:manage"}]
    assert endpoint.clients == [("portal-staging", "machine-secret-9d2c41")]
    assert store.get(lease.pk, generation=1) == endpoint.issued[0]
    assert endpoint.issued[0] not in everything_stored()
    assert 3590 < left(lease) <= 3600
    entry = Entry.objects.get(action="token:issued")
    assert (entry.actor, entry.environment, entry.data["purpose"]) == (str(owner.account.pk), "staging", "a test")


def test_the_same_ask_twice_is_the_same_lease(owner: Any, endpoint: Endpoint) -> None:
    assert take(owner).pk == take(owner, purpose="again", ttl=600).pk
    assert len(endpoint.issued) == 1
    # One token, but two asks: who changed what it is for, and until when, stands in the log.
    entry = Entry.objects.get(action="token:changed")
    assert (entry.actor, entry.data["before"], entry.data["purpose"]) == (str(owner.account.pk), "a test", "again")


@pytest.mark.parametrize(
    ("scopes", "says"),
    [
        (["reporting:dashboard:read"], "platform-team"),
        (["integration:read", "webhook:manage", "reporting:dashboard:read"], "platform-team"),
        (["made:up"], "No group grants it"),
        (["*"], "patterns"),
        (["integration:*"], "patterns"),
        (["admin:all"], "administrative"),
        (["integration:all"], "administrative"),
        (["Admin:read"], "administrative"),
        (["with space"], "patterns"),
    ],
    ids=str,
)
def test_what_is_beyond_the_groups_is_refused_by_name(owner: Any, endpoint: Endpoint, scopes: list[str], says: str) -> None:
    with pytest.raises(Forbidden) as refused:
        take(owner, scopes)
    assert refused.value.code == "scope_forbidden"
    assert says in refused.value.detail
    assert endpoint.forms == []
    assert not TokenLease.objects.exists()
    entry = Entry.objects.get(action="token:refused")
    assert (entry.outcome, entry.code) == ("refused", "scope_forbidden")


def test_forbidden_scopes_stay_forbidden_when_a_group_and_a_principal_list_them(owner: Any, make_grants: Callable[..., None]) -> None:
    scopes = frozenset({"admin:all", "integration:read"})
    make_grants(Grant(group="integration-architects", role="architect", environments=frozenset({"staging"}), scopes={"genesys": scopes}))
    with pytest.raises(Forbidden):
        take(owner, ["admin:all"])
    assert call(owner).scopes == ("integration:read",)


def test_what_the_portal_itself_does_not_hold_is_refused(owner: Any, rules: Callable[..., None]) -> None:
    rules(
        "          {{grant: client_credentials, url: '{url}/token', client_id: c, secret: env:GENESYS_STAGING_SECRET, scopes: [integration:read]}}"
    )
    with pytest.raises(Forbidden, match="does not hold webhook:manage"):
        take(owner, ["webhook:manage"])


TWO = """
          grant: client_credentials
          url: {url}/token
          secret: env:GENESYS_STAGING_SECRET
          principals:
            reader: {{client_id: reader, scopes: [integration:read]}}
            both: {{client_id: both, scopes: [integration:read, webhook:manage]}}
            reporter: {{client_id: reporter, scopes: [reporting:dashboard:read]}}
"""


def test_the_smallest_principal_that_covers_the_ask_is_used(
    owner: Any, platform_person: Any, endpoint: Endpoint, rules: Callable[..., None]
) -> None:
    rules(TWO)
    assert take(owner).principal == "reader"
    assert take(owner, ["integration:read", "webhook:manage"]).principal == "both"
    with pytest.raises(Forbidden, match="No single principal"):
        take(platform_person, ["webhook:manage", "reporting:dashboard:read"])


def test_an_environment_that_is_not_open_is_refused(make_grants: Callable[..., None], owner: Any) -> None:
    make_grants(
        Grant(group="integration-architects", role="architect", environments=frozenset({"sandbox"}), scopes={"genesys": frozenset(READ)}),
        Grant(group="others", role="developer", environments=frozenset({"staging"})),
    )
    with pytest.raises(Forbidden, match="others") as refused:
        take(owner)
    assert refused.value.code == "environment_forbidden"


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        ({"purpose": "  "}, Invalid),
        ({"purpose": "x" * 201}, Invalid),
        ({"purpose": "two\nlines"}, Invalid),
        ({"ttl": 10}, Invalid),
        ({"ttl": 7201}, Invalid),
        ({"environment": "nowhere"}, NotFound),
        ({"platform": "nothing"}, NotFound),
        ({"environment": "sandbox"}, Invalid),
        ({"scopes": []}, Invalid),
        ({"scopes": [f"a:{number}" for number in range(51)]}, Invalid),
    ],
    ids=str,
)
def test_an_ask_that_makes_no_sense_is_refused(owner: Any, endpoint: Endpoint, ask: dict[str, Any], kind: type[PortalError]) -> None:
    with pytest.raises(kind):
        actions.create_lease(**{"by": owner.caller, "platform": "genesys", "environment": "staging", "scopes": READ, "purpose": "p", **ask})
    assert endpoint.forms == []


def test_a_lease_that_names_no_lifetime_ends_within_two_hours_for_good(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner, ["webhook:manage"])
    assert (lease.ends_at - timezone.now()).total_seconds() == pytest.approx(7_200, abs=5)


def test_the_lifetime_is_the_smallest_of_platform_rule_ask_and_sign_in(owner: Any, endpoint: Endpoint, rules: Callable[..., None]) -> None:
    endpoint.answer = {"expires_in": 7200}
    assert left(take(owner)) == pytest.approx(7200, abs=5)
    assert left(take(owner, ["webhook:manage"], ttl=600)) == pytest.approx(600, abs=5)
    rules(
        "          {{grant: client_credentials, url: '{url}/token', client_id: c, secret: env:GENESYS_STAGING_SECRET, scopes: [webhook:manage, integration:read], max_ttl: 900}}"
    )
    assert left(take(owner, ["webhook:manage", "integration:read"])) == pytest.approx(900, abs=5)
    SsoSession.objects.update(expires_at=timezone.now() + timedelta(seconds=300))
    actions.revoke(by=owner.caller, lease_id=take(owner).pk)
    assert left(take(owner)) == pytest.approx(300, abs=5)
    SsoSession.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    with pytest.raises(Unauthenticated):
        take(owner, ["webhook:manage"])


def left(lease: TokenLease) -> float:
    assert lease.expires_at is not None
    return (lease.expires_at - timezone.now()).total_seconds()


def test_a_call_uses_what_is_held_and_takes_only_what_it_needs(owner: Any, endpoint: Endpoint) -> None:
    first = call(owner, ["integration:read"])
    assert (first.scopes, first.reused) == (("integration:read",), False)
    second = call(owner, ["integration:read"])
    assert (second.value, second.reused) == (first.value, True)
    wider = take(owner, ["integration:read", "webhook:manage"])
    assert call(owner, ["webhook:manage"]).lease_id == wider.pk
    assert call(owner, ["integration:read"]).lease_id == first.lease_id
    assert call(owner, ["made:up"], ["integration:read"]).lease_id == first.lease_id
    assert len(endpoint.issued) == 2


def test_an_operation_that_names_no_scope_gets_all_the_person_may(owner: Any, teammate: Any) -> None:
    assert call(owner).scopes == ("integration:read", "webhook:manage")
    assert call(teammate, []).scopes == ("integration:read",)


def test_a_call_beyond_the_groups_is_refused_and_says_who_grants_it(teammate: Any) -> None:
    with pytest.raises(Forbidden, match="integration-architects or platform-team") as refused:
        call(teammate, ["webhook:manage"])
    assert refused.value.code == "scope_forbidden"


def test_a_platform_without_tokens_needs_none(owner: Any) -> None:
    assert actions.lease_for_call(by=owner.caller, platform="genesys", environment="sandbox", scopes=[["integration:read"]]) is None


def test_leases_are_of_one_sign_in(owner: Any, sign_in: Callable[..., Any], endpoint: Endpoint) -> None:
    other = sign_in("olga", groups=["integration-architects"], sid="another")
    lease = take(owner)
    assert take(other).pk != lease.pk
    with pytest.raises(Conflict):
        actions.reveal(by=other.caller, lease_id=lease.pk)


def test_nobody_touches_the_tokens_of_another(owner: Any, platform_person: Any) -> None:
    lease = take(owner)
    for action in (actions.reveal, actions.refresh, actions.revoke):
        with pytest.raises(NotFound):
            action(by=platform_person.caller, lease_id=lease.pk)


def test_the_token_ends_with_the_sign_in_at_once(owner: Any, endpoint: Endpoint, everything_stored: Callable[[], str]) -> None:
    leased = call(owner, READ)
    caller = owner.caller
    end_session(owner)
    with pytest.raises(Unauthenticated):
        actions.lease_for_call(by=caller, platform="genesys", environment="staging", scopes=[READ])
    assert tasks.sweep() >= 1
    assert not SealedToken.objects.exists()
    assert endpoint.revoked == [leased.value]
    assert TokenLease.objects.get().end_reason == "session_ended"
    assert not Revocation.objects.exists()


def test_a_revoked_lease_is_final(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    with pytest.raises(Conflict):
        actions.reveal(by=owner.caller, lease_id=lease.pk)
    assert take(owner).pk != lease.pk
    assert Entry.objects.filter(action="token:revoked").count() == 1


def test_lost_rights_end_the_lease(owner: Any, make_grants: Callable[..., None], endpoint: Endpoint) -> None:
    take(owner)
    make_grants(Grant(group="integration-architects", role="architect", environments=frozenset({"staging"})))
    with pytest.raises(Forbidden):
        call(owner, READ)
    tasks.sweep()
    assert TokenLease.objects.get().end_reason == "scope_lost"


def test_a_principal_that_the_rules_drop_ends_the_lease(owner: Any, rules: Callable[..., None]) -> None:
    lease = take(owner)
    rules(TWO)
    with pytest.raises(Conflict):
        actions.reveal(by=owner.caller, lease_id=lease.pk)
    assert TokenLease.objects.get().end_reason == "principal_removed"


def test_a_platform_that_is_away_is_told_later(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    endpoint.revocation_status = 503
    actions.revoke(by=owner.caller, lease_id=lease.pk)
    tasks.sweep()
    waiting = Revocation.objects.get()
    assert waiting.due_at > timezone.now()
    endpoint.revocation_status = 200
    Revocation.objects.update(due_at=timezone.now())
    tasks.sweep()
    assert not Revocation.objects.exists()


def test_looking_at_a_token_is_written_down(owner: Any, endpoint: Endpoint) -> None:
    lease = take(owner)
    _, value = actions.reveal(by=owner.caller, lease_id=lease.pk)
    assert value == endpoint.issued[0]
    assert Entry.objects.get(action="token:revealed").subject == str(lease.pk)


BOUND_BY_PORTAL = """
          grant: client_credentials
          url: {url}/token
          client_id: portal-staging
          secret: env:GENESYS_STAGING_SECRET
          scopes: [integration:read, webhook:manage]
          scopes_bound_by: portal
"""


def test_scopes_the_platform_does_not_know_are_not_sent_and_the_token_stays_inside(
    owner: Any, teammate: Any, endpoint: Endpoint, rules: Callable[..., None]
) -> None:
    rules(BOUND_BY_PORTAL)
    lease = take(teammate)
    assert endpoint.forms == [{"grant_type": "client_credentials"}]
    with pytest.raises(Forbidden) as refused:
        actions.reveal(by=teammate.caller, lease_id=lease.pk)
    assert refused.value.code == "reveal_forbidden"
    assert "Outside the portal it would also allow webhook:manage, which your groups do not grant." in refused.value.detail
    assert actions.reveal(by=owner.caller, lease_id=take(owner).pk)[1] == endpoint.issued[1]


def test_offers_say_why_not(teammate: Any) -> None:
    (offer,) = selectors.offers(teammate.caller)
    assert (offer.platform, offer.environment, offer.why_not) == ("genesys", "staging", "")
    assert {scope.name: scope.why_not for scope in offer.scopes} == {
        "integration:read": "",
        "reporting:dashboard:read": "granted by platform-team",
        "webhook:manage": "granted by integration-architects or platform-team",
    }
