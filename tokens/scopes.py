"""Which scopes a person may hold, and by which principal. Pure decisions; every difference is a refusal that names itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from catalog.rules import PlatformAt, Principal
from identity.access import Access
from portal.errors import Forbidden, Invalid

# Groups that would grant (platform, scope).
GroupsGranting = Callable[[tuple[str, str]], list[str]]
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")  # RFC 6749 §3.3
MOST_SCOPES = 50


def digest(scopes: Iterable[str]) -> str:
    """One value for one set of scopes, in whatever order."""
    return hashlib.sha256(" ".join(sorted(set(scopes))).encode()).hexdigest()


def never_leaves(scope: str) -> bool:
    """Patterns and administrative scopes are never asked for, whatever the rules and groups say (P29, P37)."""
    parts = [part.lower() for part in re.split(r"[:./]", scope)]
    return not SCOPE.fullmatch(scope) or any(letter in scope for letter in "*?[]{}") or parts[0] == "admin" or parts[-1] in {"admin", "all"}


def choose_principal(
    scopes: Iterable[str], *, at: PlatformAt, access: Access, groups_granting: GroupsGranting
) -> tuple[list[str], Principal]:
    """The scopes, sorted, and the smallest principal that covers them all.

    Raises Invalid for what is no list of scopes and Forbidden ``scope_forbidden`` for anything beyond the groups or the
    principals: nothing is cut away silently.
    """
    wanted = sorted(set(scopes))
    where = f"{at.platform} in {at.environment}"
    if len(wanted) > MOST_SCOPES:
        raise Invalid(f"At most {MOST_SCOPES} scopes can be asked for at once.", code="too_many_scopes")
    if not wanted and at.ceiling:
        raise Invalid(f"Name the scopes you need for {where}.", code="scopes_missing")
    refused = [scope for scope in wanted if never_leaves(scope)]
    if refused:
        raise _forbidden(f"The portal never asks for {_listed(refused)}: patterns and administrative scopes are refused.", refused, [])
    check_held(wanted, platform=at.platform, access=access, groups_granting=groups_granting)
    beyond = [scope for scope in wanted if scope not in at.ceiling]
    if beyond:
        raise _forbidden(
            f"The portal itself does not hold {_listed(beyond)} for {where}; the platform team can change environments.yaml.", beyond, []
        )
    principals = at.principals_covering(wanted)
    if not principals:
        raise _forbidden(f"No single principal for {where} covers {_listed(wanted)} together; ask for them separately.", wanted, [])
    return wanted, principals[0]


def check_held(wanted: Sequence[str], *, platform: str, access: Access, groups_granting: GroupsGranting) -> None:
    """Raises Forbidden ``scope_forbidden`` naming who grants what this person's groups do not."""
    missing = [scope for scope in wanted if scope not in access.scopes_for(platform)]
    if not missing:
        return
    granting = [groups_granting((platform, scope)) for scope in missing]
    named = sorted(set(granting[0]).intersection(*granting[1:]))
    who = f"Members of {' or '.join(named)} may." if named else "No group grants it; the platform team can change access.yaml."
    raise _forbidden(f"Your groups do not grant {_listed(missing)} on {platform}. {who}", missing, named)


def check_one_held(alternatives: Sequence[Sequence[str]], *, platform: str, access: Access, groups_granting: GroupsGranting) -> None:
    """Where calls carry no token the portal alone bounds them: one of the alternatives must be the person's. Errors as ``check_held``."""
    named = [one for one in alternatives if one]
    if named and not any(access.scopes_for(platform).issuperset(one) for one in named):
        check_held(min(named, key=len), platform=platform, access=access, groups_granting=groups_granting)


def alternatives_allowed(alternatives: Sequence[Sequence[str]], *, at: PlatformAt, access: Access) -> list[list[str]]:
    """Of an operation's alternative scope lists, those this person may hold here, in the document's order."""
    held = access.scopes_for(at.platform)
    return [
        list(wanted)
        for wanted in alternatives
        if all(scope in held and not never_leaves(scope) for scope in wanted) and at.principals_covering(wanted)
    ]


def everything_allowed(*, at: PlatformAt, access: Access) -> list[str]:
    """All this person may hold here with one principal: for operations whose document names no scope."""
    held = {scope for scope in access.scopes_for(at.platform) if not never_leaves(scope)}
    bundles = [sorted(held & principal.scopes) for principal in at.principals]
    return max(bundles, key=lambda bundle: (len(bundle), bundle), default=[])


def injected(principal: Principal, *, access: Access, groups_granting: Iterable[str]) -> dict[str, str]:
    """What the rules put into a token request of this person (P34): parameter → the groups that open the environment, the role.

    Groups are separated by spaces; whatever in a name could be taken for one is percent-encoded.
    """
    groups = sorted(set(access.groups) & set(groups_granting))
    found = {
        principal.inject_group: " ".join(quote(group, safe=":/@,+=()") for group in groups),
        principal.inject_role: access.role,
    }
    return {parameter: value for parameter, value in found.items() if parameter}


def _listed(scopes: Sequence[str]) -> str:
    shown = ", ".join(scope[:80] for scope in scopes[:5])
    return shown if len(scopes) <= 5 else f"{shown} and {len(scopes) - 5} more"


def _forbidden(detail: str, scopes: Sequence[str], groups: Sequence[str]) -> Forbidden:
    return Forbidden(detail, code="scope_forbidden", scopes=list(scopes), groups=list(groups))
