from __future__ import annotations

from django.urls import URLPattern, path

from harness import api

urlpatterns: list[URLPattern] = [
    path("hooks", api.hooks, name="api-hooks"),
    path("hooks/<uuid:hook_id>", api.hook, name="api-hook"),
    path("hooks/<uuid:hook_id>/deliveries", api.deliveries, name="api-deliveries"),
    path("deliveries/<uuid:delivery_id>", api.delivery, name="api-delivery"),
]
