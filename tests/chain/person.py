"""A person at the other end of HTTP: signs in as a browser does, then uses pages and the API."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests


class Form(HTMLParser):
    """The first form of a page: where it goes, its hidden fields and its named buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self._inside = False
        self._seen = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and not self._seen:
            self._inside = self._seen = True
            self.action = values.get("action", "")
        elif self._inside and tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values.get("value", "")
        elif self._inside and tag == "button" and "name" in values:
            self.buttons.append((values["name"], values.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Person:
    """One browser. ``base`` may be changed to another web process: the session must hold there too."""

    def __init__(self, base: str, account: str | None = None) -> None:
        self.base = base
        self.http = requests.Session()
        self.http.trust_env = False
        if account:
            self.sign_in(account)

    def sign_in(self, account: str) -> None:
        page = self.http.get(f"{self.base}/oidc/authenticate/?next=/apis", timeout=30)
        form = Form(page.text)
        assert ("account", account) in form.buttons, f"no button for {account} on {page.url}: {page.status_code}"
        landed = self.http.post(urljoin(page.url, form.action or page.url), data=form.fields | {"account": account}, timeout=30)
        assert landed.url.startswith(self.base), f"{landed.url}: {landed.status_code} {landed.text[:500]}"

    @property
    def csrf(self) -> str:
        return next((cookie.value or "" for cookie in self.http.cookies if "csrf" in cookie.name and cookie.name.startswith("portal")), "")

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"X-CSRFToken": self.csrf, "Referer": self.base, "Accept": "application/json", **options.pop("headers", {})}
        return self.http.request(method, f"{self.base}{path}", headers=headers, timeout=60, allow_redirects=False, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def json(self, path: str) -> Any:
        response = self.get(path)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text[:800]}"
        return response.json()
