from __future__ import annotations

from django.urls import URLPattern, path

from tokens import views

urlpatterns: list[URLPattern] = [
    path("tokens", views.tokens, name="tokens"),
    path("tokens/<uuid:lease_id>/reveal", views.reveal, name="token-reveal"),
    path("tokens/<uuid:lease_id>/refresh", views.refresh, name="token-refresh"),
    path("tokens/<uuid:lease_id>/revoke", views.revoke, name="token-revoke"),
]
