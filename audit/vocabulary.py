"""Every action the log knows: its sentence, and the only data it may carry.

Append-only: an action that was once written keeps its name and its meaning. Data keys are an allow-list, so that a
secret cannot get into the log by being passed along; what is not listed is refused as a bug of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OUTCOMES = ("ok", "refused", "failed", "intent")


@dataclass(frozen=True, slots=True)
class Action:
    """``text`` names fields of the entry in braces: actor, subject, api, environment, code, and its data keys."""

    name: str
    text: str
    data: frozenset[str]
    # The action that completes this one, when it is an intent: joined by ``subject``.
    completed_by: tuple[str, ...] = ()
    # The sentence of an entry that has no ``status``: nothing came back.
    unanswered: str = ""

    @property
    def words(self) -> str:
        """The sentence without any entry: what happens, with an ellipsis for what an entry would name."""
        text = _FIELD.sub(lambda found: (found["lead"] or "") + ("somebody" if found["name"] == "actor" else "…"), self.text)
        text = re.sub(r"…(?: …)+", "…", text).removesuffix(": …")
        return text[:1].upper() + text[1:]


_LEADS = "as at for in of to with"
# A field with the word that leads to it: both are left out when there is nothing to say.
_FIELD = re.compile(r"(?P<lead>(?: (?:" + "|".join(_LEADS.split()) + r"))? |: )?\{(?P<name>[a-z_0-9]+)\}")


class UnknownAction(ValueError):
    """Somebody wrote an action, an outcome or a data key that is not in the vocabulary: a bug, found by its test."""


def _action(name: str, text: str, data: str = "", completed_by: tuple[str, ...] = (), unanswered: str = "") -> tuple[str, Action]:
    return name, Action(name, text, frozenset(data.split()), completed_by, unanswered)


ACTIONS: Mapping[str, Action] = dict(
    [
        _action("session:started", "{actor} signed in as {role}", "role groups via"),
        _action("session:refused", "A sign-in was refused: {defect}", "defect reason groups"),
        _action("session:ended", "The sign-in of {actor} ended: {reason}", "reason leases keys"),
        _action("session:changed", "The groups of {actor} changed", "groups before reason role"),
        _action("logout:refused", "A logout message of the identity provider was refused: {defect}", "defect reason"),
        _action("access_key:created", "{actor} made the access key {name}", "name prefix expires_at"),
        _action("access_key:revoked", "{actor} revoked the access key {name}", "name prefix reason"),
        _action("access_key:refused", "The access key {prefix}… was refused: {reason}", "prefix reason"),
        _action("access:refused", "{actor} was refused: {reason}", "reason method path role groups"),
        _action("grants:published", "The rights of {groups} groups came into force", "groups commit added removed changed"),
        _action(
            "token:issued",
            "{actor} got a token for {platform} {environment}: {scopes}",
            "platform scopes purpose principal ttl expires_at grant reused lease via",
        ),
        _action(
            "token:refused",
            "{actor} got no token for {platform} {environment}: {reason}",
            "platform scopes purpose principal reason status grant ttl error",
        ),
        _action(
            "token:changed",
            "{actor} asked again for the token for {platform} {environment}: {purpose}",
            "platform scopes purpose before ends_at",
        ),
        _action(
            "token:refreshed",
            "The token for {platform} {environment} was replaced",
            "platform scopes principal reason ttl expires_at lease",
        ),
        _action(
            "token:revoked",
            "The token for {platform} {environment} was revoked: {reason}",
            "platform scopes principal reason confirmed status lease",
        ),
        _action("token:revealed", "{actor} looked at the token for {platform} {environment}", "platform scopes purpose principal lease"),
        _action("token:discarded", "A refresh token of {platform} {environment} was thrown away", "platform principal reason"),
        _action(
            "call:sent",
            "{actor} sends {method} {path} to {api} in {environment}",
            "method path operation commit document digest body_bytes body_sha256 lease scopes confirmed request_state via call unchecked target",
            completed_by=("call:answered", "call:unknown"),
        ),
        _action(
            "call:answered",
            "{method} {path} of {api} in {environment} was answered with {status}",
            "method path operation status response_state request_state duration_ms total_ms upstream_ms body_bytes body_sha256 truncated"
            " findings reason via call commit client_gone replaced_token mock origin hop connect_ms first_byte_ms",
            unanswered="{method} {path} of {api} in {environment} got no answer: {code}",
        ),
        _action(
            "call:unknown",
            "What became of {method} {path} to {api} in {environment} is unknown",
            "method path operation reason call sent_at",
        ),
        _action(
            "call:refused",
            "{actor} was refused {method} {path} of {api} in {environment}: {code}",
            "method path operation reason findings windows window limit retry_after groups scopes body_bytes size via call commit hop status",
        ),
        _action("call:replayed", "{actor} sent a call again in {environment}", "method path operation call original equal"),
        _action(
            "sync:published",
            "{source} was published in {environment} at {commit}",
            "source branch commit before documents apis operations added changed removed refused findings errors warnings duration_ms release rewritten",
        ),
        _action(
            "sync:refused",
            "{source} in {environment}: {reason}",
            "source branch commit reason file line findings errors documents",
        ),
        _action("sync:failed", "{source} could not be fetched: {reason}", "source branch reason attempts"),
        _action("sync:started", "{actor} asked for a sync of {source}", "source branch via reason"),
        _action(
            "rules:published",
            "The rules of {commit} came into force",
            "commit before environments sources groups platforms findings warnings",
        ),
        _action("rules:refused", "The rules of {commit} were refused: {reason}", "commit before reason findings errors file line"),
        _action("hook:created", "{actor} made the webhook {name} ({profile})", "name profile debug"),
        _action("hook:changed", "{actor} changed the webhook {name}", "name profile debug fields"),
        _action("hook:deleted", "{actor} deleted the webhook {name}", "name profile deliveries"),
        _action("hook:opened", "{actor} read the delivery of {name}", "name delivery"),
        _action("delivery:verified", "A delivery to {name} was verified", "name profile delivery size sha256 duplicate sender"),
        _action("delivery:refused", "A delivery to {name} was refused: {reason}", "name profile delivery size sha256 reason sender status"),
        _action("quota:raised", "{actor} raised the quota of {subject} to {limit}", "limit seconds until reason window"),
        _action("elevation:requested", "{actor} asked for more quota", "limit seconds until reason window environment"),
        _action("elevation:approved", "{actor} approved more quota for {subject}", "limit seconds until reason window environment"),
        _action("elevation:refused", "{actor} refused more quota for {subject}", "limit seconds until reason window environment"),
        _action("audit:exported", "{actor} exported the log ({format}, {entries} entries)", "format entries filters via"),
        _action("audit:verified", "{actor} verified the log to entry {sealed_to}", "entries sealed_to problems via"),
    ]
)


def declared(action: str, outcome: str, data: Mapping[str, Any]) -> Action:
    """The action called ``action``. Raises UnknownAction when it, its outcome or one of its data keys is not declared."""
    known = ACTIONS.get(action)
    if known is None:
        raise UnknownAction(f"{action!r} is not in audit/vocabulary.py.")
    if outcome not in OUTCOMES:
        raise UnknownAction(f"{outcome!r} is no outcome; {', '.join(OUTCOMES)} are.")
    if surplus := sorted(set(data) - known.data):
        raise UnknownAction(f"{action} does not carry {', '.join(surplus)}; add it in audit/vocabulary.py when it can hold no secret.")
    return known


def sentence(action: str, fields: Mapping[str, Any]) -> str:
    """The entry in one line for a person. A field that is not there is left out with the word before it; an unknown action is its own text."""
    known = ACTIONS.get(action)
    if known is None:
        return action
    text = known.unanswered if known.unanswered and fields.get("status") is None else known.text

    def written(found: re.Match[str]) -> str:
        lead, word = found["lead"] or "", _word(fields.get(found["name"]))
        return lead + word if word else ("" if lead else "–")

    return _FIELD.sub(written, text)


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
