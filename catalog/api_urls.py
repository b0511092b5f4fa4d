from __future__ import annotations

from django.urls import path

from catalog import api, api_drift

urlpatterns = [
    path("environments", api.environments, name="api-environments"),
    path("apis", api.apis, name="api-apis"),
    path("apis/<str:api>", api.api, name="api-api"),
    path("apis/<str:api>/<str:environment>/openapi.json", api.document_json, name="api-document-json"),
    path("apis/<str:api>/<str:environment>/openapi.yaml", api.document_yaml, name="api-document-yaml"),
    path("apis/<str:api>/<str:environment>/operations", api.operations, name="api-operations"),
    path("apis/<str:api>/<str:environment>/operations/<str:operation>", api.operation, name="api-operation"),
    path("apis/<str:api>/drift", api_drift.api_drift, name="api-api-drift"),
    path("drift", api_drift.drift, name="api-drift-matrix"),
    path("search", api.search, name="api-search"),
    path("sources", api.sources, name="api-sources"),
    path("sources/<str:source>/sync", api.sync, name="api-sync"),
    path("sources/<str:source>/runs", api.runs, name="api-runs"),
]
