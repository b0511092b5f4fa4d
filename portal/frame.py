"""What every page's frame shows: who looks, where they are, which environment is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from portal.web.templatetags import environment_icon, environment_tone

if TYPE_CHECKING:
    from django.http import HttpRequest

    from identity.callers import Caller
    from tokens.models import TokenLease


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    title: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class EnvironmentChoice:
    """One segment of the environment control. ``url`` is this page in that environment, or its APIs."""

    name: str
    title: str
    url: str
    tone: str
    icon: str
    protected: bool
    callable: bool  # this person may call it at all
    writable: bool  # with unsafe methods too
    current: bool

    @property
    def limit(self) -> str:
        """What this person may not do there, said in the control where it matters: in a protected environment."""
        if not self.protected or self.writable:
            return ""
        return "read-only" if self.callable else "documents only"


# title, address, least role ("" = everybody who is signed in)
PLACES = (
    ("Home", "/", ""),
    ("APIs", "/apis", ""),
    ("Tokens", "/tokens", ""),
    ("My calls", "/calls", ""),
    ("Webhook bench", "/webhooks", ""),
    ("Audit", "/audit", "platform"),
    ("Sync", "/sync", "platform"),
    ("Quotas", "/quotas", ""),
)


# Pages that show one environment when their query names it; on the others the control leads to the APIs.
NARROWED = frozenset({"/search", "/calls", "/tokens", "/audit"})


class PageFrame:
    """Worked out when the template asks, once a page."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def caller(self) -> Caller | None:
        """Who is signed in; None on open pages."""
        return getattr(self.request, "caller", None)

    @cached_property
    def initials(self) -> str:
        """One or two letters for the account button."""
        words = [word for word in (self.caller.name if self.caller else "").split() if word[0].isalnum()]
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"

    @cached_property
    def lease(self) -> TokenLease | None:
        """The token that ends first, for the countdown in the top bar."""
        if self.caller is None:
            return None
        from tokens import selectors  # noqa: PLC0415  (as below)

        return selectors.chip_lease(self.caller)

    @cached_property
    def places(self) -> list[Place]:
        """The navigation, less what this person's role does not open."""
        if self.caller is None or not self.caller.access.role:
            return []
        path = self.request.path
        return [
            Place(title, url, path == url if url == "/" else path == url or path.startswith(url + "/"))
            for title, url, role in PLACES
            if not role or self.caller.access.at_least(role)
        ]

    @property
    def sync_url(self) -> str:
        """The Sync page for those it is open to, else ""."""
        return next((place.url for place in self.places if place.url == "/sync"), "")

    @cached_property
    def environment(self) -> str:
        """The environment this page is in: from its address, else from the query, else none."""
        match = self.request.resolver_match
        return str((match.kwargs.get("environment") if match else "") or self.request.GET.get("environment", ""))

    @cached_property
    def environments(self) -> list[EnvironmentChoice]:
        """The segments of the environment control, in promotion order."""
        if self.caller is None:
            return []
        from catalog import selectors  # noqa: PLC0415  (settings name this module before the rooms' models may load)

        access = self.caller.access
        return [
            EnvironmentChoice(
                name=environment.name,
                title=environment.title,
                url=self._in_environment(environment.name),
                tone="red" if environment.protected else environment_tone(environment.name),
                icon="production" if environment.protected else environment_icon(environment.name),
                protected=environment.protected,
                callable=access.may_read(environment.name),
                writable=access.may_write(environment.name),
                current=environment.name == self.environment,
            )
            for environment in selectors.environments_for(access)
        ]

    @cached_property
    def promotion_order(self) -> list[str]:
        """The names of all environments in promotion order, for rooms that only know names."""
        from catalog import selectors  # noqa: PLC0415  (as above)

        return [environment.name for environment in selectors.current_rules().environments]

    @cached_property
    def protected(self) -> bool:
        """True on pages in a protected environment: their top bar is tinted."""
        return any(choice.current and choice.protected for choice in self.environments)

    def _in_environment(self, name: str) -> str:
        match = self.request.resolver_match
        query = self.request.GET.copy()
        if match and "environment" in match.kwargs:
            try:
                address = reverse(match.view_name, kwargs={**match.kwargs, "environment": name})
            except NoReverseMatch:
                return f"/apis?{urlencode({'environment': name})}"
            return f"{address}?{query.urlencode()}" if query else address
        if "environment" in query:
            query["environment"] = name
            query.pop("cursor", None)
            return f"{self.request.path}?{query.urlencode()}"
        if self.request.path in NARROWED:
            return f"{self.request.path}?{urlencode([*query.lists(), ('environment', name)], doseq=True)}"
        return f"/apis?{urlencode({'environment': name})}"


def page_frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Nothing here is queried unless the template asks."""
    return {"frame": PageFrame(request), "portal_version": settings.PORTAL_VERSION, "development": settings.DEVELOPMENT}
