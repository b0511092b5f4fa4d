from __future__ import annotations

from django.urls import URLPattern, path

from tokens import views, views_everybody

urlpatterns: list[URLPattern] = [
    path("tokens", views.tokens, name="tokens"),
    path("tokens/everybody", views_everybody.everybody, name="everybodys-tokens"),
    path("tokens/everybody/<uuid:lease_id>/revoke", views_everybody.revoke_anybodys, name="revoke-anybodys-token"),
    path("tokens/<uuid:lease_id>/reveal", views.reveal, name="token-reveal"),
    path("tokens/<uuid:lease_id>/refresh", views.refresh, name="token-refresh"),
    path("tokens/<uuid:lease_id>/revoke", views.revoke, name="token-revoke"),
]
