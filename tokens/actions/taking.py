"""Taking leases, by hand and for calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import PORTAL, record
from catalog.rules import PlatformAt, Principal
from catalog.selectors import current_rules
from identity.callers import Caller
from identity.selectors import groups_granting, session_is_live
from portal.errors import Conflict, Forbidden, Invalid, PortalError, Unauthenticated
from tokens import scopes, selectors, store
from tokens.actions.ending import end_lease
from tokens.actions.holding import principal_of
from tokens.actions.refusals import PURPOSE_LIMIT, refuse
from tokens.exchange import MIN_LEFT
from tokens.holding import ready_token, usable_token
from tokens.models import TokenLease
from tokens.scopes import GroupsGranting, check_one_held

SHORTEST_TTL = 120  # seconds; twice what a token must still live to be handed out
LONGEST_TTL = 7_200  # seconds; P39
USED_EVERY_SECONDS = 30  # how exact "last used" is
JUST_ISSUED_SECONDS = 30  # a token this young that is rejected is not replaced: the platform means it


@dataclass(frozen=True, slots=True)
class Leased:
    """A token for one call. ``reused`` when the lease was there before."""

    value: str = field(repr=False)
    lease_id: UUID
    scopes: tuple[str, ...]
    reused: bool
    generation: int
    holder: Caller = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody wants a lease for."""

    at: PlatformAt
    scopes: list[str]
    principal: Principal
    purpose: str
    ttl: int | None
    automatic: bool


def create_lease(*, by: Caller, platform: str, environment: str, scopes: Sequence[str], purpose: str, ttl: int | None = None) -> TokenLease:
    """Take a token and hold it until ``ttl`` seconds (by default TOKEN_MAX_TTL) have passed or the sign-in ends.

    The same ask twice is the same lease.

    Raises Invalid, NotFound, Forbidden (``environment_forbidden``, ``scope_forbidden``), Unauthenticated,
    TokenRefused, TokenUnavailable, SecretUnavailable.
    """
    try:
        purpose = _purpose(purpose)
        if ttl is not None and not SHORTEST_TTL <= ttl <= LONGEST_TTL:
            raise _invalid("/ttl", f"A token lives {SHORTEST_TTL} to {LONGEST_TTL} seconds.")
        at = selectors.place(platform, environment)
        if not at.principals:
            raise Invalid(f"Calls to {platform} in {environment} carry no token.", code="no_token_needed")
        _check_environment(by, environment)
        wanted, principal = _chosen(scopes, at=at, by=by)
        ask = Ask(at=at, scopes=wanted, principal=principal, purpose=purpose, ttl=ttl, automatic=False)
        lease, _ = _lease_for(ask, by=by)
    except PortalError as error:
        refuse(error, by=by, platform=platform, environment=environment, asked=scopes, purpose=purpose)
    lease, _ = usable_token(lease.pk, at=at, principal=principal, by=by.actor)
    return lease


def check_tokenless_call(*, by: Caller, platform: str, environment: str, scopes: Sequence[Sequence[str]]) -> None:
    """Hold a person to their scopes where the platform takes no token, or the portal answers itself. Raises Forbidden ``scope_forbidden``."""
    try:
        check_one_held(scopes, platform=platform, access=by.access, groups_granting=_granting(environment))
    except PortalError as error:
        asked = [scope for alternative in scopes[:1] for scope in alternative]
        refuse(error, by=by, platform=platform, environment=environment, asked=asked, purpose="")


def lease_for_call(*, by: Caller, platform: str, environment: str, scopes: Sequence[Sequence[str]]) -> Leased | None:
    """A token that covers one of the operation's alternative scope lists; None when the platform takes none.

    A live lease of this sign-in is used when it covers them, else one is taken with just those scopes, or, where the
    document names none, with all the person may hold there. Errors as ``create_lease``.
    """
    at = current_rules().platform_at(platform, environment)
    if at is None:
        return None
    try:
        if not at.principals:
            check_one_held(scopes, platform=platform, access=by.access, groups_granting=_granting(environment))
            return None
        _check_environment(by, environment)
        wanted = _wanted_for_call(scopes, at=at, by=by)
        lease, reused = _held_for_call(wanted, at=at, by=by), True
        if lease is None:
            chosen, principal = _chosen(wanted[0], at=at, by=by)
            ask = Ask(at=at, scopes=chosen, principal=principal, purpose="", ttl=None, automatic=True)
            lease, made = _lease_for(ask, by=by)
            reused = not made
    except PortalError as error:
        asked = [scope for alternative in scopes[:1] for scope in alternative]
        refuse(error, by=by, platform=platform, environment=environment, asked=asked, purpose="")
    value = ready_token(lease) if reused else None
    if value is None:
        lease, value = usable_token(lease.pk, at=at, principal=principal_of(lease, at), by=by.actor)
    _note_use(lease)
    return Leased(value=value, lease_id=lease.pk, scopes=tuple(lease.scopes), reused=reused, generation=lease.generation, holder=by)


def replace_rejected(leased: Leased, rejected_value: str) -> Leased | None:
    """After the platform answered 401: another token than the rejected one, by one exchange however many callers were rejected.

    None when the rejected token is only just issued: then the platform means the permission, not the token, and nothing
    is gained by asking again. Errors as ``create_lease``.
    """
    by = leased.holder
    lease = selectors.own_lease(leased.lease_id, caller=by)
    at = selectors.place(lease.platform, lease.environment)
    just_now = timezone.now() - timedelta(seconds=JUST_ISSUED_SECONDS)
    current = store.get(lease.pk, generation=lease.generation)
    if current == rejected_value and lease.generation > 1 and lease.issued_at is not None and lease.issued_at > just_now:
        return None
    lease, value = usable_token(lease.pk, at=at, principal=principal_of(lease, at), by=by.actor, unlike=rejected_value)
    return Leased(value=value, lease_id=lease.pk, scopes=tuple(lease.scopes), reused=True, generation=lease.generation, holder=by)


def _check_environment(by: Caller, environment: str) -> None:
    if not by.access.may_read(environment):
        granting = groups_granting(environment=environment)
        named = f"Members of {' or '.join(granting)} may." if granting else "No group may yet."
        raise Forbidden(f"Your groups do not open {environment}. {named}", code="environment_forbidden", groups=granting)


def _granting(environment: str) -> GroupsGranting:
    return lambda scope: groups_granting(environment=environment, scope=scope)


def _chosen(asked: Sequence[str], *, at: PlatformAt, by: Caller) -> tuple[list[str], Principal]:
    return scopes.choose_principal(asked, at=at, access=by.access, groups_granting=_granting(at.environment))


def _wanted_for_call(alternatives: Sequence[Sequence[str]], *, at: PlatformAt, by: Caller) -> list[list[str]]:
    """What would do, best first; never empty. Raises Forbidden ``scope_forbidden``."""
    if not any(alternatives):
        everything = scopes.everything_allowed(at=at, access=by.access)
        if not everything and at.ceiling:
            _chosen(sorted(at.ceiling)[:1], at=at, by=by)  # says who grants what there is
        return [everything]
    allowed = scopes.alternatives_allowed([one for one in alternatives if one], at=at, access=by.access)
    if not allowed:
        _chosen(min((one for one in alternatives if one), key=len), at=at, by=by)
        raise Forbidden("Your groups do not grant what this operation needs.", code="scope_forbidden")
    return allowed


def _held_for_call(wanted: Sequence[Sequence[str]], *, at: PlatformAt, by: Caller) -> TokenLease | None:
    """A live lease that covers one of ``wanted`` and is still within the person's rights."""
    held = by.access.scopes_for(at.platform)
    principals = {principal.name: principal for principal in at.principals}
    for lease in selectors.leases_for_call(by.session_id, platform=at.platform, environment=at.environment):
        mine = set(lease.scopes)
        principal = principals.get(lease.principal)
        if principal is None or not mine <= held or not mine <= principal.scopes or not any(set(one) <= mine for one in wanted):
            continue
        if lease.injected == selectors.injected_for(principal, at.environment, by.access):
            return lease
    return None


def _lease_for(ask: Ask, *, by: Caller) -> tuple[TokenLease, bool]:
    """The one live lease of this sign-in for exactly these scopes; made when there is none."""
    if not session_is_live(by.session_id):
        raise Unauthenticated("Your sign-in has ended, and its tokens with it. Sign in again.", code="session_ended")
    now = timezone.now()
    ends_at = min(by.session_expires_at, now + timedelta(seconds=min(ask.ttl or LONGEST_TTL, settings.TOKEN_MAX_TTL)))
    if ends_at <= now + timedelta(seconds=MIN_LEFT):
        raise Unauthenticated("Your sign-in is about to end. Sign in again to take a token.", code="session_ending")
    key = {"session_id": by.session_id, "platform": ask.at.platform, "environment": ask.at.environment}
    key["scopes_digest"] = scopes.digest(ask.scopes)
    for _ in range(3):
        lease = TokenLease.objects.select_related("session").filter(**key, ended_at=None).first()
        if lease is not None:
            reason = selectors.why_over(lease, now) or ("ending" if lease.ends_at <= now + timedelta(seconds=MIN_LEFT) else "")
            if not reason and lease.principal == ask.principal.name:
                return _adopted(lease, ask, ends_at, by=by), False
            end_lease(lease_id=lease.pk, reason=reason or "principal_changed", by=PORTAL)
        try:
            with transaction.atomic():
                fields = {
                    "scopes": ask.scopes,
                    "principal": ask.principal.name,
                    "bound_by": ask.at.scopes_bound_by,
                    "injected": selectors.injected_for(ask.principal, ask.at.environment, by.access),
                    "purpose": ask.purpose,
                }
                return TokenLease.objects.create(**key, **fields, automatic=ask.automatic, ends_at=ends_at), True
        except IntegrityError:
            continue  # somebody was first: take theirs
    raise Conflict("The same token is being taken and ended at once. Try again.", code="lease_busy")


@transaction.atomic
def _adopted(lease: TokenLease, ask: Ask, ends_at: datetime, *, by: Caller) -> TokenLease:
    """A lease somebody asks for by hand follows that ask, whoever took it before."""
    if not ask.automatic:
        before = lease.purpose
        lease.purpose, lease.automatic, lease.ends_at = ask.purpose, False, ends_at
        lease.expires_at = min(lease.expires_at, ends_at) if lease.expires_at else None
        lease.save(update_fields=["purpose", "automatic", "ends_at", "expires_at"])
        record(
            "token:changed",
            by=by.actor,
            subject=str(lease.pk),
            environment=lease.environment,
            platform=lease.platform,
            scopes=lease.scopes,
            purpose=lease.purpose,
            before=before,
            ends_at=ends_at.isoformat(),
        )
    return lease


def _note_use(lease: TokenLease) -> None:
    now = timezone.now()
    if lease.last_used_at is None or lease.last_used_at <= now - timedelta(seconds=USED_EVERY_SECONDS):
        TokenLease.objects.filter(pk=lease.pk).update(last_used_at=now)


def _purpose(purpose: str) -> str:
    purpose = purpose.strip()
    if not purpose or len(purpose) > PURPOSE_LIMIT or not purpose.isprintable():
        raise _invalid("/purpose", f"Say in 1 to {PURPOSE_LIMIT} characters what the token is for.")
    return purpose


def _invalid(pointer: str, message: str) -> Invalid:
    finding = {"location": "body", "pointer": pointer, "keyword": pointer[1:], "message": message}
    return Invalid(message, errors=[finding])
