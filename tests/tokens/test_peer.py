"""Leases on a certified authorization server: what it really grants, forgets and says is active."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from audit.actions import PORTAL
from identity import actions as identity_actions
from identity.access import Grant
from portal.errors import UpstreamFailed
from tests.peers.process import Peer
from tests.tokens.test_leases import call, take
from tokens import actions, tasks

pytestmark = [pytest.mark.node, pytest.mark.django_db]

TOKEN = """
          grant: client_credentials
          url: {issuer}/token
          revocation_url: {issuer}/token/revocation
          secret: env:PEER_SECRET
          principals:
            reader: {{{{client_id: reader, scopes: [integration:read]}}}}
            writer: {{{{client_id: writer, scopes: [integration:read, webhook:manage]}}}}
            signer: {{{{client_id: signer, client_authentication: private_key_jwt, key_id: signer-1, secret: env:PEER_KEY, scopes: [interactions:read]}}}}
            over: {{{{client_id: reader, scopes: [reporting:dashboard:read]}}}}
"""


@pytest.fixture
def at_the_peer(peer: Peer, rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Peer:
    monkeypatch.setenv("PEER_SECRET", peer.secret)
    monkeypatch.setenv("PEER_KEY", peer.signer_key)
    rules(TOKEN.format(issuer=peer.issuer))
    return peer


def introspected(peer: Peer, token: str) -> dict[str, Any]:
    answer = requests.post(f"{peer.issuer}/token/introspection", data={"token": token}, auth=("writer", peer.secret), timeout=5)
    document: dict[str, Any] = answer.json()
    return document


def test_what_is_leased_is_what_the_server_says_it_is(owner: Any, at_the_peer: Peer) -> None:
    leased = call(owner, ["integration:read"])
    seen = introspected(at_the_peer, leased.value)
    assert (seen["active"], seen["scope"], seen["client_id"]) == (True, "integration:read", "reader")


def test_the_server_forgets_the_token_when_the_sign_in_ends(owner: Any, at_the_peer: Peer, everything_stored: Callable[[], str]) -> None:
    first = call(owner, ["integration:read"])
    second = actions.replace_rejected(first, first.value)
    assert second is not None
    third = call(owner, ["webhook:manage"])
    identity_actions.end_session(session_id=owner.sso_session.pk, reason="test", by=PORTAL)
    tasks.sweep()
    assert not introspected(at_the_peer, second.value)["active"]
    assert not introspected(at_the_peer, third.value)["active"]
    issued = json.loads(requests.get(f"{at_the_peer.issuer}/issued", timeout=5).text)
    kept = everything_stored()
    assert {first.value, second.value, third.value} <= set(issued)
    assert not [token for token in issued if token in kept or base64.b64encode(token.encode()).decode() in kept]


def test_a_scope_the_server_does_not_give_this_client_is_a_refusal(platform_person: Any, at_the_peer: Peer) -> None:
    with pytest.raises(UpstreamFailed) as refused:
        take(platform_person, ["reporting:dashboard:read"])
    assert refused.value.code == "token_refused"


def test_the_server_takes_a_signed_assertion_for_the_secret_and_forgets_the_token(
    platform_person: Any, at_the_peer: Peer, make_grants: Callable[..., None]
) -> None:
    scopes = {"genesys": frozenset({"interactions:read"})}
    make_grants(Grant("platform-team", "platform", frozenset({"staging"}), scopes=scopes))
    lease = take(platform_person, ["interactions:read"])
    assert lease.principal == "signer"
    _, value = actions.reveal(by=platform_person.caller, lease_id=lease.pk)
    assert introspected(at_the_peer, value)["client_id"] == "signer"
    actions.revoke(by=platform_person.caller, lease_id=lease.pk)
    tasks.sweep()
    assert not introspected(at_the_peer, value)["active"]
