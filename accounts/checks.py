"""What must be so for keys to be found safely and fast, looked at when a process starts."""

from django.conf import settings
from django.core.checks import Error, Warning, register

MOST_S = 0.5  # the worst a request may lose to a Redis that is away


@register
def cache_is_safe(app_configs, **kwargs):
    """A key's owner comes from the cache: it must not unpickle, and must give up soon."""
    cache = settings.CACHES["default"]
    if cache["BACKEND"] != "django_redis.cache.RedisCache":
        return []
    options = cache.get("OPTIONS", {})
    return [*_serializer(options), *_patience(options)]


def _serializer(options):
    if options.get("SERIALIZER") == "django_redis.serializers.json.JSONSerializer":
        return []
    return [
        Error(
            "The cache unpickles what Redis holds: who can write to Redis can run code here.",
            hint='Set CACHES["default"]["OPTIONS"]["SERIALIZER"] to "django_redis.serializers.json.JSONSerializer".',
            id="accounts.E001",
        )
    ]


def _patience(options):
    return [
        Warning(
            f"Each request may wait for a Redis that is away: {name} is {options.get(name, 'not set')}, not {MOST_S} s or less.",
            hint=f'Set CACHES["default"]["OPTIONS"]["{name}"] to 0.2.',
            id="accounts.W002",
        )
        for name in ("SOCKET_CONNECT_TIMEOUT", "SOCKET_TIMEOUT")
        if not options.get(name) or options[name] > MOST_S
    ]
