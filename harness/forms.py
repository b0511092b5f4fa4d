"""The forms of the bench."""

from __future__ import annotations

from typing import Any

from django import forms

from harness.signatures.registry import PROFILES
from portal.errors import PortalError


def _profile_choices() -> list[tuple[str, str]]:
    return [(profile.name, profile.title + ("" if profile.documented else " · preset")) for profile in PROFILES.values()]


def _choice(label: str, *values: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[("", "as the platform does"), *((value, value) for value in values)])


class HookForm(forms.Form):
    """A new webhook. Fields that begin with ``set_`` are settings of the profile; what is left empty stays as the profile has it."""

    name = forms.CharField(max_length=100, label="Name", help_text="What it is for, in your words.")
    profile = forms.ChoiceField(label="Platform", choices=_profile_choices)
    secret = forms.CharField(
        label="Secret",
        max_length=512,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="The one the platform signs with: at least 8 bytes, better 24 or more. Kept encrypted, never shown again.",
    )
    debug = forms.BooleanField(required=False, initial=True, label="Keep the steps of each verification")
    set_header = forms.CharField(required=False, label="Signature header", max_length=64)
    set_algorithm = _choice("Algorithm", "sha1", "sha256", "sha384", "sha512", "ed25519", "ecdsa-p256-sha256")
    set_key = _choice("The secret is", "text", "hex", "base64", "base64url", "public")
    set_encoding = _choice("The signature is", "hex", "base64", "base64url")
    set_prefix = forms.CharField(required=False, label="Prefix of the signature", max_length=32, strip=False)
    set_template = forms.CharField(
        required=False,
        label="What is signed",
        max_length=200,
        strip=False,
        help_text="Made of {body} {timestamp} {id} {method} {path} {url}.",
    )
    set_timestamp_header = forms.CharField(required=False, label="Header of the time", max_length=64)
    set_tolerance = forms.IntegerField(required=False, label="The time may differ by, in seconds")
    set_id_header = forms.CharField(required=False, label="Header of the id", max_length=64)

    @property
    def settings_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("set_")]

    @property
    def settings_open(self) -> bool:
        """Whether the settings have something to say."""
        return any(field.errors or field.value() for field in self.settings_fields)

    def values(self) -> dict[str, Any]:
        """The arguments of the action."""
        data = self.cleaned_data
        settings = {
            name.removeprefix("set_"): data[name] for name in self.fields if name.startswith("set_") and data[name] not in ("", None)
        }
        return {name: data[name] for name in ("name", "profile", "secret", "debug")} | {"settings": settings}

    def refuse(self, error: PortalError) -> None:
        """Put the findings of an action beside their fields."""
        for finding in error.errors:
            pointer = str(finding.get("pointer", "")).lstrip("/")
            field = pointer.replace("settings/", "set_")
            self.add_error(field if field in self.fields else None, str(finding["message"]))
        if not error.errors:
            self.add_error(None, error.detail)
