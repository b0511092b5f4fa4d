"""What can be wrong with a sign-in, each with a stable name and a sentence for whoever runs the portal."""

from __future__ import annotations

from typing import ClassVar

from portal.errors import Forbidden, PortalError, Unavailable

TEXTS = {
    "state": "The answer of the identity provider does not belong to a sign-in started in this browser: it was used before, took too long, "
    "or cookies are blocked.",
    "provider_error": "The identity provider ended the sign-in itself.",
    "code_refused": "The identity provider's token endpoint refused the portal: check the client id, its secret and the redirect address.",
    "token_answer": "The identity provider's token endpoint answered with something that is not a token answer.",
    "malformed": "The ID token cannot be read.",
    "algorithm": "The ID token is signed with an algorithm that is not in OIDC_SIGNING_ALGORITHMS.",
    "type": "The token is of another kind than an ID token.",
    "unknown_key": "The ID token is signed with a key that the identity provider does not publish.",
    "signature": "The signature of the ID token is wrong.",
    "expired": "The ID token has expired: compare the clocks of the portal and the identity provider.",
    "not_yet_valid": "The ID token is not valid yet: compare the clocks of the portal and the identity provider.",
    "too_old": "The token was issued too long ago.",
    "audience": "The ID token was issued for another client than this portal.",
    "issuer": "The ID token comes from another issuer than OIDC_ISSUER.",
    "authorized_party": "The ID token was issued to another party (azp) than this portal.",
    "missing_claim": "The ID token lacks a claim it must have.",
    "nonce": "The nonce of the ID token is not the one of this sign-in.",
    "events": "A logout token was presented as an ID token.",
    "subject": "The subject of the ID token is empty or longer than 255 characters.",
    "subject_changed": "The ID token speaks of another person than the sign-in it was refreshed for.",
    "userinfo": "The identity provider's userinfo endpoint did not answer as it must.",
    "userinfo_subject": "The userinfo endpoint speaks of another person than the ID token.",
    "groups": "The groups claim is not a list of at most 1,000 names.",
    "account_disabled": "This account is disabled in the portal.",
    "not_configured": "No identity provider is configured: set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.",
    "discovery": "The identity provider's discovery document cannot be used.",
    "id_token": "The identity provider gave no ID token that could be exchanged: it must lend a refresh token and renew ID tokens with it.",
    "logout_claims": "The logout token lacks what it must say, or says what it must not.",
}


class SignInRefused(Forbidden):
    """A check of the sign-in failed. ``defect`` is one of TEXTS; ``hint`` adds what was seen, never a token."""

    code = "sign_in_refused"

    def __init__(self, defect: str, hint: str = "") -> None:
        super().__init__(f"{TEXTS[defect]} {hint}".strip(), defect=defect)
        self.defect = defect


class ProviderUnusable(Unavailable):
    """The identity provider cannot be reached, or is not set up."""

    code = "identity_provider_unavailable"
    title: ClassVar[str] = "The identity provider cannot be reached"

    def __init__(self, defect: str, hint: str = "") -> None:
        super().__init__(f"{TEXTS[defect]} {hint}".strip(), defect=defect)
        self.defect = defect


def defect_of(error: PortalError) -> str:
    """The stable name of what was wrong."""
    return str(error.extra.get("defect", error.code))
