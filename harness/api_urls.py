from __future__ import annotations

from django.urls import URLPattern, path

from harness.api import deliveries, hooks

urlpatterns: list[URLPattern] = [
    path("hooks", hooks.hooks, name="api-hooks"),
    path("hooks/<uuid:hook_id>", hooks.hook, name="api-hook"),
    path("hooks/<uuid:hook_id>/rotate", hooks.rotate, name="api-hook-rotate"),
    path("hooks/<uuid:hook_id>/secrets/<slug:fingerprint>", hooks.secret, name="api-hook-secret"),
    path("hooks/<uuid:hook_id>/send", hooks.send, name="api-hook-send"),
    path("hook-profiles", hooks.profiles, name="api-hook-profiles"),
    path("hooks/<uuid:hook_id>/deliveries", deliveries.deliveries, name="api-deliveries"),
    path("deliveries/<uuid:delivery_id>", deliveries.delivery, name="api-delivery"),
    path("deliveries/<uuid:delivery_id>/verify", deliveries.verify_again, name="api-delivery-verify"),
    path("deliveries/<uuid:delivery_id>/diagnose", deliveries.diagnosis, name="api-delivery-diagnose"),
]
