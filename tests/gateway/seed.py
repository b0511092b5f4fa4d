"""Run in the portal's own process: migrate, read rules and documents, sign people in; prints what the tests need as JSON."""

from __future__ import annotations

import json
import sys
from importlib import import_module

from django.conf import settings
from django.core.management import call_command
from django.middleware.csrf import _get_new_csrf_string

from catalog.actions.sync import sync_now
from identity import actions, selectors

ISSUER = "https://id.example"


def sign_in(subject: str, groups: list[str]) -> dict[str, str]:
    """Somebody signed in as a browser would be, with an access key of that sign-in."""
    account = actions.remember_account(issuer=ISSUER, subject=subject, name=subject.title(), email=f"{subject}@example.com")
    browser = import_module(settings.SESSION_ENGINE).SessionStore()
    browser.create()
    sign_in_ = actions.SignIn(issuer=ISSUER, subject=subject, groups=tuple(groups), sid=f"sid-{subject}")
    actions.start_session(account=account, sign_in=sign_in_, session_key=browser.session_key, user_agent="tests", remote="127.0.0.1")
    caller = selectors.caller_of(session_key=browser.session_key, remote="127.0.0.1")
    assert caller is not None
    _, key = actions.create_access_key(name="tests", by=caller)
    csrf = _get_new_csrf_string()
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.session_key}; {settings.CSRF_COOKIE_NAME}={csrf}"
    return {"account": str(account.pk), "session": str(caller.session_id), "key": key, "cookie": cookie, "csrf": csrf}


def main() -> None:
    people: dict[str, list[str]] = json.loads(sys.argv[1])
    call_command("migrate", verbosity=0)
    for source in ("rules", "documents"):
        run = sync_now(source)
        assert run is not None
        assert run.outcome == "published", f"{source}: {run.outcome}: {run.sentence}"
    print(json.dumps({subject: sign_in(subject, groups) for subject, groups in people.items()}))
