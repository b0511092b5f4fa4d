from __future__ import annotations

from django.urls import URLPattern, path

from identity import views, views_account

urlpatterns: list[URLPattern] = [
    path("oidc/authenticate/", views.sign_in, name="oidc_authentication_init"),
    path("oidc/callback/", views.callback, name="oidc_authentication_callback"),
    path("oidc/logout/", views.sign_out, name="oidc_logout"),
    path("oidc/backchannel-logout/", views.backchannel_logout, name="backchannel-logout"),
    # Providers post to exactly what was registered; a lost slash must not lose a logout.
    path("oidc/backchannel-logout", views.backchannel_logout),
    path("account", views_account.account, name="account"),
    path("account/sign-ins/end", views_account.end_sign_ins, name="end-sign-ins"),
    path("account/sign-ins/<uuid:session_id>/end", views_account.end_sign_in, name="end-sign-in"),
    path("sign-ins", views_account.sign_ins, name="sign-ins"),
    path("sign-ins/<uuid:session_id>/end", views_account.end_anybodys_sign_in, name="end-anybodys-sign-in"),
    path("keys", views.keys, name="access-keys"),
    path("keys/<uuid:key_id>/revoke", views.revoke_key, name="revoke-access-key"),
]
