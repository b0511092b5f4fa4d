"""The webhook bench."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from harness import selectors
from harness.actions import endpoints
from harness.api.deliveries import cursor_of
from harness.models import Delivery, HookEndpoint
from harness.signatures.commands import sample_commands
from harness.signatures.registry import PROFILES
from identity.callers import SignedInRequest
from portal.errors import NotFound, PortalError
from portal.web.pages import render_page

PAGE = 50
SHOWN_BYTES = 65_536
VERDICTS = {"verified": ("Verified", "good"), "duplicate": ("Duplicate", ""), "refused": ("Refused", "bad")}
REASONS = {
    "signature_missing": "The signature header is missing or empty.",
    "signature_malformed": "The signature header does not hold a signature of this kind.",
    "signature_wrong": "The signature was made with another secret or over other bytes.",
    "signature_repeated": "The signature header is there more than once.",
    "timestamp_missing": "The time that is part of the signature is missing.",
    "timestamp_malformed": "The time that is part of the signature is not a number of seconds.",
    "timestamp_stale": "The signature is right, but it was made too long ago.",
    "timestamp_ahead": "The signature is right, but its time lies too far in the future.",
    "id_missing": "The id that is part of the signature is missing.",
    "digest_wrong": "The signature is right, but the digest it covers is not the one of this body.",
    "body_not_covered": "The signature is right, but it does not cover the body.",
    "body_malformed": "The signature is right, but the body is not the JSON its content type says.",
    "request_id_reused": "The signature is right, but the id was already used for another body.",
    "same_id": "The same id and body came before: a retry, answered like the first.",
    "same_body": "The same signed body came before under another id.",
    "": "The signature was made with your secret over exactly these bytes.",
}


class HookForm(forms.Form):
    name = forms.CharField(max_length=100, label="Name", help_text="What it is for, in your words.")
    profile = forms.ChoiceField(label="Platform", choices=[(profile.name, profile.title) for profile in PROFILES.values()])
    secret = forms.CharField(
        label="Secret",
        max_length=512,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="The one the platform signs with: at least 8 bytes, better 24 or more. Kept encrypted, never shown again.",
    )
    debug = forms.BooleanField(required=False, initial=True, label="Keep the steps of each verification")

    def refuse(self, error: PortalError) -> None:
        """Put the findings of an action beside their fields."""
        for finding in error.errors:
            field = str(finding.get("pointer", "")).lstrip("/")
            self.add_error(field if field in self.fields else None, str(finding["message"]))
        if not error.errors:
            self.add_error(None, error.detail)


@require_http_methods(["GET", "HEAD", "POST"])
def bench(request: SignedInRequest) -> HttpResponse:
    """My webhooks, and the form that makes one."""
    form = HookForm(request.POST or None, initial={"debug": True})
    if request.method == "POST" and form.is_valid():
        try:
            made = endpoints.create_endpoint(by=request.caller, **form.cleaned_data)
        except PortalError as error:
            form.refuse(error)
        else:
            return HttpResponseRedirect(reverse("webhook", args=[made.pk]))
    rows = [{"hook": found, "profile": selectors.profile(found)} for found in selectors.endpoints(request.caller.account_id)]
    return render_page(request, "harness/bench.html", {"rows": rows, "form": form}, status=422 if form.is_bound else 200)


@require_safe
def hook(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """One webhook: what arrived at the left, the chosen delivery at the right. The choice is in the address."""
    found = selectors.endpoint(request.caller.account_id, hook_id)
    cursor = request.GET.get("cursor", "")
    rows, more = selectors.deliveries(found, before=cursor_of(found, cursor), size=PAGE)
    chosen = _chosen(request, found, rows)
    here = {"cursor": cursor} if cursor else {}
    address = selectors.address(found)
    context: dict[str, Any] = {
        "hook": found,
        "profile": selectors.profile(found),
        "address": address,
        "secrets": selectors.live_secrets(found.pk),
        "rows": [_row(row, here) for row in rows],
        "next_url": f"?{urlencode({'cursor': str(more.pk)})}" if more else "",
        "first_url": "?" if cursor else "",
        "chosen": _opened(chosen, found) if chosen else None,
        "sample": sample_commands(selectors.profile(found), address),
        "inbox_url": f"?{urlencode(here | ({'delivery': str(chosen.pk)} if chosen else {}))}",
    }
    return render_page(request, "harness/hook.html", context, partial="harness/_inbox.html")


def _chosen(request: SignedInRequest, found: HookEndpoint, rows: list[Delivery]) -> Delivery | None:
    text = request.GET.get("delivery", "")
    if not text:
        return selectors.delivery(request.caller.account_id, rows[0].pk) if rows else None
    try:
        delivery = selectors.delivery(request.caller.account_id, UUID(text))
    except ValueError:
        raise NotFound("There is no such delivery of yours.", code="unknown_delivery") from None
    if delivery.endpoint_id != found.pk:
        raise NotFound("There is no such delivery to this webhook.", code="unknown_delivery")
    return delivery


def _row(delivery: Delivery, here: dict[str, str]) -> dict[str, Any]:
    words, tone = VERDICTS[delivery.verdict]
    return {"delivery": delivery, "words": words, "tone": tone, "url": f"?{urlencode(here | {'delivery': str(delivery.pk)})}"}


def _opened(delivery: Delivery, found: HookEndpoint) -> dict[str, Any]:
    body = bytes(delivery.body)
    raw, pretty = _texts(body)
    return _row(delivery, {}) | {
        "why": REASONS.get(delivery.reason, delivery.reason),
        "steps": [step | {"number": number} for number, step in enumerate(delivery.steps, 1)],
        "raw": raw,
        "pretty": pretty,
        "cut": len(body) > SHOWN_BYTES,
        "hex": body[:SHOWN_BYTES].hex(" ") if raw is None else "",
        "signature_header": selectors.profile(found).header,
    }


def _texts(body: bytes) -> tuple[str | None, str]:
    """The body as text (None when it is not UTF-8), and as indented JSON ("" when it is none)."""
    try:
        raw = body[:SHOWN_BYTES].decode("utf-8", "strict" if len(body) <= SHOWN_BYTES else "ignore")
    except UnicodeDecodeError:
        return None, ""
    try:
        pretty = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode() if len(body) <= SHOWN_BYTES else ""
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pretty = ""
    return raw, pretty


@require_POST
def change(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """Debug on or off; a new secret."""
    found = selectors.endpoint(request.caller.account_id, hook_id)
    secret = request.POST.get("secret") or None
    debug = request.POST.get("debug") == "on" if "settings" in request.POST else None
    try:
        endpoints.change_endpoint(by=request.caller, endpoint_id=found.pk, secret=secret, debug=debug)
    except PortalError as error:
        messages.error(request, " ".join(str(finding["message"]) for finding in error.errors) or error.detail)
    else:
        messages.success(request, "Saved." if secret is None else "Saved. The secret before it counts for another day.")
    return HttpResponseRedirect(reverse("webhook", args=[found.pk]))


@require_POST
def delete(request: SignedInRequest, hook_id: UUID) -> HttpResponse:
    """Delete a webhook with its secrets and deliveries."""
    found = selectors.endpoint(request.caller.account_id, hook_id)
    endpoints.delete_endpoint(by=request.caller, endpoint_id=found.pk)
    messages.success(request, f"{found.name} is deleted. Its address answers 410 for a day.")
    return HttpResponseRedirect(reverse("webhooks"))
