"""Why a lease ended, in words for whoever held it."""

from __future__ import annotations

ENDED = {
    "revoked_by_person": "You ended it.",
    "revoked_by_architect": "An architect ended it.",
    "session_ended": "The sign-in it was taken in ended.",
    "expired": "Its time was up.",
    "ending": "Its time was up.",
    "scope_lost": "Your groups no longer grant what it was for.",
    "rights_changed": "Your groups changed, and the platform is told about them: another token is needed.",
    "principal_removed": "The rules no longer name the account of the portal it came from.",
    "principal_changed": "The rules name another account of the portal for it now.",
    "refresh_failed": "The platform refused to replace it, or was away for a minute. The old one was not used again.",
    "never_issued": "The portal was stopped while it was being taken.",
    "token_unavailable": "The platform's token endpoint could not be used.",
    "secret_unavailable": "The portal could not read its secret for the platform.",
    "endpoint_refused": "The platform's token endpoint refused it.",
    "scope_narrower_than_asked": "The platform granted less than was asked.",
    "scope_wider_than_asked": "The platform granted more than was asked.",
    "lifetime_too_long": "The platform's token would have lived too long.",
}


def why_ended(reason: str) -> str:
    """A sentence; the reason itself for one that has none."""
    return ENDED.get(reason) or f"It ended: {reason.replace('_', ' ')}."
