"""Asking the provider again whether a sign-in still stands, with the refresh token it lent (OpenID Connect Core 1.0 §12).

``invalid_grant`` and another person end the sign-in. Whatever else goes wrong says nothing about the person: the sign-in
stands until the provider could not be asked for SSO_REVALIDATE_GRACE_SECONDS.
"""

from __future__ import annotations

import time
from uuid import UUID

import jwt
from django.conf import settings

from audit.actions import PORTAL
from identity import actions, selectors
from identity.defects import ProviderUnusable, SignInRefused
from identity.encryption import SealBroken, unseal
from identity.id_token import verify_refreshed_id_token
from identity.models import SsoSession
from identity.oidc import expectations, groups_of, refresh_token_of, token_request, userinfo
from portal.errors import Unauthenticated

WAIT_SECONDS = 12.0  # for somebody else who is asking the provider
ANOTHER_PERSON = {"subject_changed", "userinfo_subject"}


class Withdrawn(Exception):
    """The provider no longer stands by the sign-in."""


class Unanswered(Exception):
    """The provider gave no answer that can be used. ``defect`` says what came instead."""

    def __init__(self, defect: str) -> None:
        super().__init__(defect)
        self.defect = defect


def revalidate_due_sessions(*, limit: int = 50) -> int:
    """Ask about every sign-in that is due; how many that were."""
    return sum(revalidate(session) for session in selectors.sessions_to_revalidate(limit))


def revalidate(session: SsoSession) -> bool:
    """Ask about one sign-in, and keep or end it accordingly; False when somebody else is asking.

    Nothing is locked in the database while the provider takes its time.
    """
    if not actions.claim_revalidation(session):
        return False
    # What was read before the claim may be spent already.
    session.refresh_from_db(fields=["refresh_token_encrypted"])
    try:
        groups = _groups_now(session)
    except Withdrawn:
        actions.end_session(session_id=session.pk, reason="revalidation_refused", by=PORTAL)
    except Unanswered as error:
        actions.postpone_revalidation(session_id=session.pk, defect=error.defect)
    else:
        actions.confirm_session(session_id=session.pk, groups=groups)
    return True


def _groups_now(session: SsoSession) -> tuple[str, ...] | None:
    """The person's groups as the provider names them now; None when it stands by the sign-in without naming any."""
    try:
        access_token, id_token = _refreshed(session)
        told = userinfo(access_token, subject=session.subject)
        signed = verify_refreshed_id_token(id_token, subject=session.subject, expected=expectations()) if id_token else {}
        actions.keep_provider_tokens(session_id=session.pk, id_token=id_token)
        if not id_token and settings.OIDC_GROUPS_CLAIM not in told and (session.groups_in == "id_token" or not told):
            # They come in ID tokens only, and this answer had none.
            return None
        return groups_of({**told, **signed})
    except (SignInRefused, ProviderUnusable) as error:
        if error.defect in ANOTHER_PERSON:
            raise Withdrawn from None
        raise Unanswered(error.defect) from None


def _refreshed(session: SsoSession) -> tuple[str, str]:
    """A new access token and, when the provider gives one, a new ID token ("" when not)."""
    try:
        refresh_token = unseal(bytes(session.refresh_token_encrypted)).decode()
    except SealBroken:
        # Its key is gone: the sign-in can never be asked about again.
        raise Withdrawn from None
    answer, document = token_request({"grant_type": "refresh_token", "refresh_token": refresh_token})
    if answer.status in {400, 401} and document.get("error") == "invalid_grant":
        raise Withdrawn
    access_token, id_token = document.get("access_token"), document.get("id_token")
    if answer.status != 200 or not isinstance(access_token, str) or not access_token:
        raise Unanswered("code_refused" if 400 <= answer.status < 500 else "token_answer")
    # Before anything else can go wrong: a provider that rotates has spent the old one.
    actions.keep_provider_tokens(session_id=session.pk, refresh_token=refresh_token_of(document))
    return access_token, id_token if isinstance(id_token, str) else ""


def current_id_token(session_id: UUID) -> str:
    """The person's ID token with time left, for exchanging it (RFC 8693); the provider is asked for a new one where needed.

    Raises Unauthenticated when the sign-in is over, ProviderUnusable ``id_token`` when no current one can be had.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        session = SsoSession.objects.select_related("account").filter(pk=session_id, ended_at=None).first()
        if session is None:
            raise Unauthenticated("Your sign-in has ended, and its tokens with it. Sign in again.", code="session_ended")
        token = _with_time_left(session)
        if token:
            return token
        if session.revalidate_at is None or session.unanswered_since is not None or time.monotonic() > deadline:
            raise ProviderUnusable("id_token")
        if revalidate(session):
            deadline = min(deadline, time.monotonic())  # one question is enough: the next look is the last
        else:
            time.sleep(0.05)  # somebody else is asking


def _with_time_left(session: SsoSession) -> str:
    """The kept ID token, or "" when it is about to expire. It was verified when it came."""
    if not session.id_token_encrypted:
        return ""
    try:
        token = unseal(bytes(session.id_token_encrypted)).decode()
        expires = jwt.decode(token, options={"verify_signature": False}).get("exp", 0)
    except (SealBroken, jwt.PyJWTError):
        return ""
    return token if isinstance(expires, int) and expires > time.time() + settings.OIDC_CLOCK_LEEWAY else ""
