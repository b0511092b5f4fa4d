"""``/api/v1/hooks`` and ``/api/v1/deliveries``: the webhook bench of the person who calls."""
