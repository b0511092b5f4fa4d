"""Puts the demo people and the registered clients into the provider's database."""

from __future__ import annotations

from django.db import transaction

from demo.identity_provider import settings
from demo.world import ACCOUNTS, PORTAL_CLIENT, PRINCIPALS


@transaction.atomic
def provision() -> None:
    """Make what is missing and follow what moved: PORT may differ from last time, and redirect addresses with it."""
    # The apps are loaded by now; at import time of this module they are not.
    from django.contrib.auth.models import Group, User  # noqa: PLC0415
    from oauth2_provider.models import get_application_model  # noqa: PLC0415

    for name, (_, groups) in ACCOUNTS.items():
        user, made = User.objects.get_or_create(username=name, defaults={"email": f"{name}@portal.example"})
        if made:
            user.set_unusable_password()
            user.save()
            user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    application = get_application_model()
    application.objects.update_or_create(
        client_id=PORTAL_CLIENT,
        defaults={
            "name": "Developer portal",
            "client_type": "confidential",
            "authorization_grant_type": "authorization-code",
            "client_secret": settings.WORLD.secrets[PORTAL_CLIENT],
            "hash_client_secret": False,
            "redirect_uris": " ".join(f"{origin}/oidc/callback/" for origin in settings.PORTAL_ORIGINS),
            "post_logout_redirect_uris": " ".join(f"{origin}{path}" for origin in settings.PORTAL_ORIGINS for path in ("/signed-out", "/")),
            "algorithm": "RS256",
            "skip_authorization": True,
        },
    )
    for client in PRINCIPALS:
        application.objects.update_or_create(
            client_id=client,
            defaults={
                "name": client,
                "client_type": "confidential",
                "authorization_grant_type": "client-credentials",
                "client_secret": settings.WORLD.secrets[client],
                # Their file is as private as the one that holds these secrets anyway, and a slow hash would make every
                # token request slow.
                "hash_client_secret": False,
            },
        )
