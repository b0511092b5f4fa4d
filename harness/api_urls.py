from __future__ import annotations

from django.urls import URLPattern, path

from harness import api

urlpatterns: list[URLPattern] = [
    path("hooks", api.hooks, name="api-hooks"),
    path("hooks/<uuid:hook_id>", api.hook, name="api-hook"),
    path("hooks/<uuid:hook_id>/rotate", api.rotate, name="api-hook-rotate"),
    path("hooks/<uuid:hook_id>/secrets/<slug:fingerprint>", api.secret, name="api-hook-secret"),
    path("hook-profiles", api.profiles, name="api-hook-profiles"),
    path("hooks/<uuid:hook_id>/deliveries", api.deliveries, name="api-deliveries"),
    path("deliveries/<uuid:delivery_id>", api.delivery, name="api-delivery"),
    path("deliveries/<uuid:delivery_id>/verify", api.verify_again, name="api-delivery-verify"),
]
