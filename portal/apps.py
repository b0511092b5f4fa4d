from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "The shell"

    def ready(self) -> None:
        from portal import checks  # noqa: F401, PLC0415  (registering is importing, and models must be loaded first)
