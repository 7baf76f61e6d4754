"""Django settings; every value that differs between servers comes from config/env.py."""

from datetime import timedelta
from urllib.parse import unquote, urlsplit

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import logging, sidebar
from .celery import SCHEDULE as CODE_SCHEDULE  # importing the application here makes every Django process publish to our broker
from .env import ROOT, env

PRODUCTION = env["DARKROOM_ENV"] == "production"
DEBUG = False
SECRET_KEY = env["SECRET_KEY"]
ALLOWED_HOSTS = [*env["ALLOWED_HOSTS"], "127.0.0.1", "localhost"]  # a health check asks from this machine, by address
PUBLIC_URL = env["PUBLIC_URL"].rstrip("/")
HOOKS_URL = env["HOOKS_URL"].rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
# A year of https only, for a host that is reached by it. Nothing is redirected here: TLS ends at the proxy, and what comes by http is a
# probe of this machine.
SECURE_HSTS_SECONDS = 31_536_000 if SESSION_COOKIE_SECURE else 0
# They look for Django's middleware by name; ours derive from it (config/middleware.py), and a test reads the headers.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE, LANGUAGE_CODE, FORMAT_MODULE_PATH = True, "UTC", "en", "config.formats"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]  # of pages, and of models; else the API speaks English
LOCALE_PATHS = [ROOT / "locale"]
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = SESSION_COOKIE_SECURE, True, "Lax"
APPEND_SLASH = False
# Static files are served from the packages they come in, so there is nothing to collect before a start.
STATIC_URL, STATIC_ROOT, WHITENOISE_USE_FINDERS = "static/", None, True

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "config.apps.Admin",  # django.contrib.admin
    "config.apps.Operators",  # django.contrib.auth
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config.apps.Schedule",  # django_celery_beat
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "accounts",
    "providers",
    "tasks_app",
]

MIDDLEWARE = [
    "config.middleware.RequestMiddleware",
    # Django's and whitenoise's own, past which calls to the API go.
    "config.headers.PageHeaders",
    "config.middleware.Security",
    "config.middleware.StaticFiles",
    "config.middleware.Sessions",
    "config.middleware.Language",
    "config.middleware.Common",
    "config.middleware.Csrf",
    "config.middleware.Operators",
    "config.middleware.SecondFactor",
    "config.middleware.Messages",
    "config.middleware.Frames",
    "axes.middleware.AxesMiddleware",
]

# Operators sign in with a name and a password, and five wrong ones from one address lock that name there for a quarter of an hour: by the
# database, so Redis may be away. By name and address, so that nobody locks an operator out from elsewhere.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT, AXES_COOLOFF_TIME = 5, timedelta(minutes=15)
AXES_RESET_ON_SUCCESS, AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = True, False
AXES_CLIENT_IP_CALLABLE = "accounts.addresses.of_request"
AXES_COOLOFF_MESSAGE = _("Too many failed sign-ins with this name from your address: try again in 15 minutes.")
AXES_SENSITIVE_PARAMETERS = ["username"]  # some type their password into that field
AXES_DISABLE_ACCESS_LOG, AXES_VERBOSE, AXES_ENABLE_ADMIN = True, False, False
LOGIN_REDIRECT_URL = "admin:index"
ADMIN_TWO_FACTOR = env["ADMIN_TWO_FACTOR"]
OTP_TOTP_ISSUER = "Darkroom"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "config/templates"],  # the admin's frame, where ours differs from unfold's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str) -> dict:
    """Django's settings for one DATABASE_URL."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # IMMEDIATE takes the write lock at BEGIN, so a transaction never fails half-way when it first writes.
        options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ROOT / parts.path[1:], "OPTIONS": options}
    return {
        "ENGINE": "config.mysql",
        "NAME": parts.path[1:],
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port or 3306,
        # Threads x workers is the pool: each thread keeps its one connection, checked when a request starts on it.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"CHARSET": "utf8mb4"},
        "OPTIONS": {
            "charset": "utf8mb4",
            "isolation_level": "read committed",
            "connect_timeout": 3,
            # What a frozen process, or a machine that has lost its power, has locked would stay locked for hours: MariaDB ends a
            # transaction that stands still. MySQL has no such setting, and reads a comment.
            "init_command": "SET innodb_lock_wait_timeout=5, lock_wait_timeout=10 /*M!100300 , idle_transaction_timeout=10 */",
        },
    }


DATABASES = {"default": database(env["DATABASE_URL"])}


def cache(url: str) -> dict:
    """Django's settings for one REDIS_URL; none where it is empty."""
    if not url:
        return {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    options = {
        # The default unpickles whatever Redis holds, which is code execution for whoever can write there.
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        # A request may lose 0.2 s to a Redis that is away, not the 4.6 s of the client's own retries.
        "SOCKET_CONNECT_TIMEOUT": 0.2,
        "SOCKET_TIMEOUT": 0.2,
        "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
    }
    return {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url, "OPTIONS": options}


CACHES = {"default": cache(env["REDIS_URL"])}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tasks_app.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Darkroom",
    "DESCRIPTION": "One API in front of many image and video generators.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": [
        "tasks_app.api.components.add_to",
        "tasks_app.api.webhook_contract.add_to",
        "tasks_app.api.key_contract.add_to",
        "tasks_app.api.openai.contract.add_to",
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

UNFOLD = {
    "SITE_TITLE": "Darkroom",
    "SITE_HEADER": "Darkroom",
    "SITE_SUBHEADER": _("All times are UTC"),
    "SITE_SYMBOL": "camera",
    "SITE_URL": None,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": reverse_lazy("admin:language")},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("tasks_app/favicon.svg")}],
    "STYLES": [lambda request: static("tasks_app/admin.css")],
    "SIDEBAR": {"navigation": sidebar.NAVIGATION},
    "LOGIN": {"form": "accounts.second_factor.SignInForm"},
    "ACCOUNT": {"navigation": sidebar.OF_ONESELF},
    "DASHBOARD_CALLBACK": "tasks_app.admin.overview.add_to",
}

LOG_FORMAT = env["LOG_FORMAT"]
LOGGING = logging.configured(LOG_FORMAT, env["LOG_LEVEL"])

# django-celery-beat keeps the schedule; both its clock and Celery's are UTC.
DJANGO_CELERY_BEAT_TZ_AWARE = True
SCHEDULE = {name: {"task": duty.task, "every_s": duty.every_s} for name, duty in CODE_SCHEDULE.items()}

# What our own packages read through django.conf.settings.
SEALING_KEYS = env["SEALING_KEYS"]
STORAGE, STORAGE_DIR, CONTENT = env["STORAGE"], env["STORAGE_DIR"], env["CONTENT"]
COS_BUCKET, COS_REGION = env["COS_BUCKET"], env["COS_REGION"]
COS_SECRET_ID, COS_SECRET_KEY, COS_TOKEN = env["COS_SECRET_ID"], env["COS_SECRET_KEY"], env["COS_TOKEN"]
COS_ENDPOINT, COS_DOMAIN, STS_ENDPOINT = env["COS_ENDPOINT"], env["COS_DOMAIN"], env["STS_ENDPOINT"]
BROKER_DIR = env["BROKER_DIR"]
FUNCTIONS = env["FUNCTIONS"]
SCF_REGION, SCF_NAMESPACE, SCF_ENDPOINT = env["SCF_REGION"], env["SCF_NAMESPACE"], env["SCF_ENDPOINT"]
SCF_ROLE, SCF_REGISTRY, SCF_REGISTRY_ID = env["SCF_ROLE"], env["SCF_REGISTRY"], env["SCF_REGISTRY_ID"]
SCF_INSTANCES = env["SCF_INSTANCES"]
SCF_SECRET_ID, SCF_SECRET_KEY = env["SCF_SECRET_ID"], env["SCF_SECRET_KEY"]
FUNCTIONS_URL = env["FUNCTIONS_URL"]
FUNCTIONS_DIR = env["FUNCTIONS_DIR"]
FUNCTIONS_MEMORY_MB = env["FUNCTIONS_MEMORY_MB"]
FUNCTIONS_AT_ONCE = env["FUNCTIONS_AT_ONCE"]
EGRESS_ALLOW = env["EGRESS_ALLOW"]
ADAPTERS = env["ADAPTERS"]
REDIS_URL = env["REDIS_URL"]
METRICS_TOKEN = env["METRICS_TOKEN"]
CLIENT_ADDRESS_HEADER = env["CLIENT_ADDRESS_HEADER"]
PROCFILE = ROOT / "Procfile"
WEB_BIND = env["WEB_BIND"]
STREAM_BIND, STREAM_SOCKET = env["STREAM_BIND"], env["STREAM_SOCKET"]
STREAM_LIMIT, STREAM_LIMIT_PER_ACCOUNT = env["STREAM_LIMIT"], env["STREAM_LIMIT_PER_ACCOUNT"]
SUBMIT_WINDOW, POLL_WINDOW, STORE_WINDOW = env["SUBMIT_WINDOW"], env["POLL_WINDOW"], env["STORE_WINDOW"]
NOTIFY_WINDOW = env["NOTIFY_WINDOW"]
UPLOAD_LIMIT_MB, RESULT_LIMIT_MB = env["UPLOAD_LIMIT_MB"], env["RESULT_LIMIT_MB"]
DIRECT_UPLOAD_LIMIT_MB = env["DIRECT_UPLOAD_LIMIT_MB"]
TASK_KEEP_DAYS, FILE_KEEP_DAYS, DELIVERY_KEEP_DAYS = env["TASK_KEEP_DAYS"], env["FILE_KEEP_DAYS"], env["DELIVERY_KEEP_DAYS"]
HEALTH_KEEP_DAYS = env["HEALTH_KEEP_DAYS"]
