"""Everything that changes a sign-in, an access key or the grants. Each writes its audit entry in the same transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.actions import PORTAL, Actor, record
from identity import selectors
from identity.access import Grant
from identity.browser_sessions import row_of
from identity.callers import Caller
from identity.encryption import seal
from identity.guards import check_role
from identity.models import AccessKey, Account, GroupGrant, SpentLogoutToken, SsoSession
from portal.errors import Conflict, Forbidden, Invalid, NotFound
from portal.statements import impatient

logger = structlog.get_logger(__name__)

KEY_PREFIX = "pak_"
KEYS_PER_SESSION = 20
SEEN_EVERY_SECONDS = 60  # how exact "last seen" is; one write a minute, not one a request
LOGOUT_TOKENS_KEPT_SECONDS = 600
CLAIM_SECONDS = 60  # longer than asking the provider can take
ASK_AGAIN_SECONDS = 30  # after the provider could not be asked


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a verified sign-in tells: who, through which provider session, in which groups."""

    issuer: str
    subject: str
    groups: tuple[str, ...] = ()
    sid: str = ""
    name: str = ""
    email: str = ""
    groups_in: str = ""
    id_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)


@transaction.atomic
def remember_account(*, issuer: str, subject: str, name: str, email: str) -> Account:
    """The account of (issuer, subject), made at the first sign-in. Its name and address follow the provider; they identify nobody."""
    account, created = Account.objects.get_or_create(
        issuer=issuer, subject=subject, defaults={"username": Account.username_for(issuer, subject), "name": name, "email": email}
    )
    if created:
        account.set_unusable_password()
        account.save()
    elif (account.name, account.email) != (name, email):
        account.name, account.email = name, email
        account.save(update_fields=["name", "email"])
    return account


@transaction.atomic
def start_session(*, account: Account, sign_in: SignIn, session_key: str, user_agent: str = "", remote: str = "") -> SsoSession:
    """The row everything short-lived hangs on. ``session_key`` is the browser's session, already rotated."""
    now = timezone.now()
    session = SsoSession.objects.create(
        account=account,
        issuer=sign_in.issuer,
        subject=sign_in.subject,
        sid=sign_in.sid,
        session_key=row_of(session_key),
        groups=sorted(set(sign_in.groups)),
        groups_in=sign_in.groups_in,
        id_token_encrypted=_sealed(sign_in.id_token),
        refresh_token_encrypted=_sealed(sign_in.refresh_token),
        user_agent=user_agent[:255],
        remote=remote[:64],
        created_at=now,
        expires_at=now + timedelta(seconds=settings.SSO_ABSOLUTE_SECONDS),
        revalidate_at=_next_revalidation(now) if sign_in.refresh_token else None,
        revalidated_at=now,
    )
    actor = Actor(id=str(account.pk), name=str(account), session=str(session.pk), remote=remote)
    record(
        "session:started",
        by=actor,
        subject=str(session.pk),
        role=selectors.access_for(session.groups).role or "nobody",
        groups=session.groups,
    )
    return session


def _sealed(token: str) -> bytes:
    return seal(token.encode()) if token else b""


def _next_revalidation(now: datetime) -> datetime:
    """A tenth earlier at most, so that people who signed in together are not asked about together."""
    return now + timedelta(seconds=settings.SSO_REVALIDATE_SECONDS * (0.9 + secrets.randbelow(100) / 1_000))


@transaction.atomic
def refuse_session(*, defect: str, code: str, outcome: str, remote: str) -> None:
    """Write down a sign-in that was refused, or that failed because the provider could not be used. ``defect`` names the check."""
    record("session:refused", by=Actor(name="", remote=remote), outcome=outcome, code=code, defect=defect)


@transaction.atomic
def end_session(*, session_id: UUID, reason: str, by: Actor) -> bool:
    """End a sign-in and with it everything made in it. False when it was over already: ended is final."""
    session = SsoSession.objects.select_for_update(of=("self",)).select_related("account").filter(pk=session_id, ended_at=None).first()
    if session is None:
        return False
    session.ended_at, session.end_reason = timezone.now(), reason
    session.id_token_encrypted = session.refresh_token_encrypted = b""
    session.save(update_fields=["ended_at", "end_reason", "id_token_encrypted", "refresh_token_encrypted"])
    Session.objects.filter(session_key=session.session_key).delete()
    record("session:ended", by=by, subject=str(session.pk), reason=reason, person=str(session.account))
    return True


def end_own_session(*, session_id: UUID, by: Caller) -> None:
    """End one of the caller's sign-ins. Raises NotFound for anybody else's."""
    if not selectors.is_own(session_id, caller=by):
        raise NotFound("There is no such sign-in of yours.")
    end_session(session_id=session_id, reason="ended_by_person", by=by.actor)


def end_all_sessions(*, by: Caller, but: UUID | None = None) -> int:
    """End every sign-in of the caller, this one too unless it is ``but``; how many that were."""
    ids = SsoSession.objects.filter(account_id=by.account_id, ended_at=None).values_list("pk", flat=True)
    return sum(end_session(session_id=one, reason="ended_by_person", by=by.actor) for one in list(ids) if one != but)


def end_anybodys_session(*, session_id: UUID, by: Caller) -> str:
    """End the sign-in of whomever; their name. Raises Forbidden unless the caller is of the platform team, NotFound, Conflict."""
    check_role(by, "platform")
    session = SsoSession.objects.select_related("account").filter(pk=session_id).first()
    if session is None:
        raise NotFound("There is no such sign-in.")
    if not end_session(session_id=session_id, reason="ended_by_platform_team", by=by.actor):
        raise Conflict("That sign-in is over already.", code="sign_in_ended")
    return str(session.account)


@transaction.atomic
def end_provider_sessions(*, issuer: str, sid: str, subject: str, jti: str, remote: str) -> int:
    """Back-channel logout: end the sign-in of ``sid``, or every one of ``subject`` when there is no ``sid``.

    The token's ``jti`` is spent in the same transaction. Raises Conflict when it was spent before.
    """
    try:
        with transaction.atomic():
            SpentLogoutToken.objects.create(
                id=SpentLogoutToken.id_for(issuer, jti), expires_at=timezone.now() + timedelta(seconds=LOGOUT_TOKENS_KEPT_SECONDS)
            )
    except IntegrityError:
        raise Conflict("This logout token was used before.", code="logout_token_replayed") from None
    rows = SsoSession.objects.filter(issuer=issuer, ended_at=None)
    if sid:
        rows = rows.filter(sid=sid)
    if subject:
        rows = rows.filter(subject=subject)
    by = Actor(name="identity provider", remote=remote)
    return sum(end_session(session_id=pk, reason="backchannel_logout", by=by) for pk in rows.values_list("pk", flat=True))


@transaction.atomic
def refuse_backchannel_logout(*, defect: str, code: str, remote: str) -> None:
    """Write down a logout token that was not accepted."""
    record("logout:refused", by=Actor(name="identity provider", remote=remote), outcome="refused", code=code, defect=defect)


def claim_revalidation(session: SsoSession) -> bool:
    """Take the asking about a sign-in for CLAIM_SECONDS; False when somebody else has it, has just asked, or it is over."""
    now = timezone.now()
    free = Q(asking_until=None) | Q(asking_until__lte=now)
    rows = SsoSession.objects.filter(free, pk=session.pk, ended_at=None, revalidate_at=session.revalidate_at)
    return rows.update(asking_until=now + timedelta(seconds=CLAIM_SECONDS)) == 1


def keep_provider_tokens(*, session_id: UUID, refresh_token: str = "", id_token: str = "") -> None:
    """Keep what the provider gave in exchange for the refresh token; what it did not give stays as it is."""
    fields = {"refresh_token_encrypted": _sealed(refresh_token), "id_token_encrypted": _sealed(id_token)}
    kept = {name: value for name, value in fields.items() if value}
    if kept:
        SsoSession.objects.filter(pk=session_id, ended_at=None).update(**kept)


@transaction.atomic
def confirm_session(*, session_id: UUID, groups: Sequence[str] | None) -> bool:
    """The provider says that a sign-in stands, with these groups (None: it did not name them). False when it ended meanwhile.

    Everything the person may do is worked out from ``groups`` at the next request; leases beyond them end in the next sweep.
    """
    session = SsoSession.objects.select_for_update(of=("self",)).select_related("account").filter(pk=session_id, ended_at=None).first()
    if session is None:
        return False
    now, before, waited = timezone.now(), session.groups, session.unanswered_since
    session.revalidated_at, session.revalidate_at = now, _next_revalidation(now)
    session.unanswered_since = session.asking_until = None
    session.groups = before if groups is None else sorted(set(groups))
    session.save(update_fields=["revalidated_at", "revalidate_at", "unanswered_since", "asking_until", "groups"])
    if session.groups != before:
        role = selectors.access_for(session.groups).role or "nobody"
        by = Actor(id=str(session.account_id), name=str(session.account), session=str(session.pk))
        record("session:changed", by=by, subject=str(session.pk), groups=session.groups, before=before, role=role, reason="revalidated")
    if waited is not None:
        record("session:revalidated", by=PORTAL, subject=str(session.pk), since=waited)
    return True


@transaction.atomic
def postpone_revalidation(*, session_id: UUID, defect: str) -> None:
    """The provider could not be asked. The sign-in stands for SSO_REVALIDATE_GRACE_SECONDS of that, then it ends."""
    session = SsoSession.objects.select_for_update().filter(pk=session_id, ended_at=None).first()
    if session is None:
        return
    now = timezone.now()
    since = session.unanswered_since or now
    if since + timedelta(seconds=settings.SSO_REVALIDATE_GRACE_SECONDS) <= now:
        end_session(session_id=session.pk, reason="not_revalidated", by=PORTAL)
        return
    if session.unanswered_since is None:
        record("session:unanswered", by=PORTAL, outcome="failed", subject=str(session.pk), defect=defect)
    session.unanswered_since, session.asking_until = since, None
    session.revalidate_at = now + timedelta(seconds=min(ASK_AGAIN_SECONDS, settings.SSO_REVALIDATE_SECONDS))
    session.save(update_fields=["unanswered_since", "asking_until", "revalidate_at"])


def end_if_lapsed(*, session_key: str) -> None:
    """End the sign-in of this browser when its time is over, at once rather than at the next sweep."""
    session = selectors.session_with_key(session_key)
    if session is not None and (reason := selectors.lapse_of(session, timezone.now())):
        end_session(session_id=session.pk, reason=reason, by=PORTAL)


def note_use(*, caller: Caller) -> None:
    """Keep "last seen" within a minute, or a quarter of the idle limit when that is shorter."""
    now = timezone.now()
    every = timedelta(seconds=min(SEEN_EVERY_SECONDS, settings.SSO_IDLE_SECONDS // 4))
    seen = caller.last_seen_at + every <= now
    used = caller.key_id if caller.key_used_at is None or caller.key_used_at + every <= now else None
    if not seen and used is None:
        return
    try:
        with impatient():
            if seen:
                SsoSession.objects.filter(pk=caller.session_id, ended_at=None).update(last_seen_at=now)
            if used is not None:
                AccessKey.objects.filter(pk=used).update(last_used_at=now)
    except OperationalError:
        logger.warning("use_not_noted")  # who only reads goes on reading while the database takes no writes


@transaction.atomic
def create_access_key(*, name: str, by: Caller) -> tuple[AccessKey, str]:
    """Make a key that lives as long as the caller's sign-in. Returns the row and the key: it is never readable again.

    Raises Forbidden when a key asks for a key, Invalid for an unusable name, Conflict past KEYS_PER_SESSION.
    """
    if by.via != "cookie":
        raise Forbidden("An access key is made while signed in with a browser, not with another key.", code="sign_in_required")
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        finding = {"location": "body", "pointer": "/name", "keyword": "name", "message": "Give it a name of 1 to 100 printable characters."}
        raise Invalid("The access key needs a name.", errors=[finding])
    if AccessKey.objects.filter(session_id=by.session_id, revoked_at=None).count() >= KEYS_PER_SESSION:
        raise Conflict(f"This sign-in has {KEYS_PER_SESSION} access keys; revoke one first.", code="too_many_access_keys")
    value = KEY_PREFIX + secrets.token_urlsafe(32)
    key = AccessKey.objects.create(
        session_id=by.session_id, name=name, prefix=value[: len(KEY_PREFIX) + 6], key_hash=selectors.hash_of_key(value)
    )
    record("access_key:created", by=by.actor, subject=str(key.pk), name=name)
    return key, value


@transaction.atomic
def revoke_access_key(*, key_id: UUID, by: Caller) -> None:
    """Revoke one of the caller's keys; a second time changes nothing. Raises NotFound for anybody else's."""
    key = AccessKey.objects.select_for_update().filter(pk=key_id, session__account_id=by.account_id).first()
    if key is None:
        raise NotFound("There is no such access key of yours.")
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        record("access_key:revoked", by=by.actor, subject=str(key.pk), name=key.name)


@transaction.atomic
def publish_grants(grants: Sequence[Grant], *, commit: str) -> None:
    """Put the grants of a rules commit in force, all or none. Live sign-ins follow at once (within a second in other processes)."""
    GroupGrant.objects.exclude(group__in=[grant.group for grant in grants]).delete()
    for grant in grants:
        GroupGrant.objects.update_or_create(
            group=grant.group,
            defaults={
                "role": grant.role,
                "environments": sorted(grant.environments),
                "write": sorted(grant.write),
                "per_minute": grant.per_minute,
                "scopes": {platform: sorted(scopes) for platform, scopes in grant.scopes.items()},
                "commit": commit,
            },
        )
    selectors.forget_grants()
    transaction.on_commit(selectors.forget_grants)


def end_lapsed_sessions(*, limit: int = 200) -> int:
    """End sign-ins whose time is over, forget spent logout tokens and browsers that never came back; how many rows that was."""
    now = timezone.now()
    ended = sum(
        end_session(session_id=session.pk, reason=selectors.lapse_of(session, now) or "idle", by=PORTAL)
        for session in selectors.lapsed_sessions(limit)
    )
    forgotten, _ = SpentLogoutToken.objects.filter(expires_at__lt=now).delete()
    expired = list(Session.objects.filter(expire_date__lt=now).values_list("pk", flat=True)[:limit])
    if expired:
        Session.objects.filter(pk__in=expired).delete()
    return ended + forgotten + len(expired)
