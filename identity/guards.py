"""Who may open a view, written on the view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from identity.access import Grant
from identity.callers import Caller
from identity.selectors import groups_granting
from portal.errors import Forbidden, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])
ADJECTIVES = {"developer": "developers", "architect": "architects", "platform": "the platform team"}


def role_not_required(view: View) -> View:
    """Open to everybody who is signed in, even with no group known here: their own account, signing out."""
    view.role_required = False  # type: ignore[attr-defined]
    return view


def open_to_everybody(view: View) -> View:
    """Open a view of the API to nobody in particular; it has its own way of knowing who may (a signature, a token)."""
    view.open_to_everybody = True  # type: ignore[attr-defined]
    return view


def needs_role(view: Callable[..., Any]) -> bool:
    return bool(getattr(view, "role_required", True))


def no_role(groups: tuple[str, ...]) -> Forbidden:
    """Signed in, but in none of the groups that mean something here."""
    granting = groups_granting()
    mine = f"You are in {', '.join(groups)}." if groups else "Your sign-in carries no groups."
    others = f"Any of these would let you in: {', '.join(granting)}." if granting else "No group has any rights here yet."
    return Forbidden(f"{mine} {others} Ask whoever manages groups at your identity provider.", code="no_role", groups=granting)


def grant_row(grant: Grant) -> dict[str, Any]:
    """A grant for a page: every set in one order, so that two looks at it are the same."""
    return {
        "group": grant.group,
        "role": grant.role,
        "environments": sorted(grant.environments),
        "write": sorted(grant.write),
        "scopes": [(platform, sorted(scopes)) for platform, scopes in sorted(grant.scopes.items())],
    }


def check_role(caller: Caller | None, role: str) -> None:
    """Raises Unauthenticated or Forbidden unless ``caller`` has ``role`` or a higher one."""
    if caller is None:
        raise Unauthenticated("Sign in first.")
    if not caller.access.at_least(role):
        granting = groups_granting(role=role)
        named = f"A member of {' or '.join(granting)} can do it." if granting else "No group has that role yet."
        raise Forbidden(f"This is for {ADJECTIVES[role]}. {named}", code="role_required", groups=granting)
