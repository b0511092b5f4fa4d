from __future__ import annotations

from django.urls import URLPattern, path

from identity import api

urlpatterns: list[URLPattern] = [
    path("sign-ins", api.sign_ins, name="api-sign-ins"),
    path("sign-ins/<uuid:session_id>", api.sign_in, name="api-sign-in"),
    path("access-keys", api.access_keys, name="api-access-keys"),
    path("access-keys/<uuid:key_id>", api.access_key, name="api-access-key"),
]
