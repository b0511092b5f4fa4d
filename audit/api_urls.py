from __future__ import annotations

from django.urls import URLPattern, path

from audit import api

urlpatterns: list[URLPattern] = [
    path("audit", api.entries, name="api-audit"),
    path("audit/verify", api.verification, name="api-audit-verify"),
    path("audit/export", api.export, name="api-audit-export"),
]
