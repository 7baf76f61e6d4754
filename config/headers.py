"""What pages tell a browser about itself: where scripts, pictures and frames may come from, and that it is to come by https.

Pages are the admin, the API's documentation and whatever else a person opens; answers of the API carry no page, and content
has a stricter policy of its own (tasks_app/api/content.py).
"""

from urllib.parse import urlsplit

from django.conf import settings

from .middleware import CALLS

ADMIN, STUDIO = "/admin/", "/studio/"

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",  # Swagger and the admin set styles on elements
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "font-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# The admin's Alpine compiles the expressions in its attributes. Markup that somebody slipped into a page still runs no script of its own.
ADMIN_POLICY = POLICY | {"script-src": "'self' 'unsafe-eval'"}
# The studio is written for a policy: nothing in it but what it names, no style on an element, and no text that a script makes to markup.
STUDIO_POLICY = POLICY | {
    "default-src": "'none'",
    "connect-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",
    "font-src": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class PageHeaders:
    """Sets them on all but the API's answers, where a view has not set its own."""

    def __init__(self, get_response):
        self.get_response = get_response
        self._policies = {ADMIN: written(ADMIN_POLICY), STUDIO: written(STUDIO_POLICY)}
        self._policy = written(POLICY)
        self._by_https = settings.PUBLIC_URL.startswith("https://")

    def __call__(self, request):
        response = self.get_response(request)
        if not request.path_info.startswith(CALLS):
            response.headers.setdefault("Content-Security-Policy", self._policy_of(request.path_info))
            response.headers.setdefault("Permissions-Policy", PERMISSIONS)
            if self._by_https:  # Django's own asks whether this request came by https, which a proxy may not have told
                response.headers.setdefault("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}")
        return response

    def _policy_of(self, path: str) -> str:
        return next((policy for part, policy in self._policies.items() if path.startswith(part)), self._policy)


def written(policy: dict[str, str]) -> str:
    """The policy as a header has it, with the bucket's host wherever browsers are sent there."""
    shown = policy | {name: f"{policy[name]} {bucket_origin()}" for name in into_the_bucket() if name in policy}
    return "; ".join(f"{name} {sources}" for name, sources in shown.items())


def into_the_bucket() -> tuple[str, ...]:
    """The directives by which browsers are sent to the bucket: to show what lies there, and to put files there."""
    if settings.STORAGE != "cos":
        return ()
    shows = ("img-src", "media-src") if settings.CONTENT == "redirect" else ()
    return (*shows, "connect-src")


def bucket_origin() -> str:
    """Where the links lead by which browsers read from the bucket and put into it."""
    if settings.COS_ENDPOINT:
        parts = urlsplit(settings.COS_ENDPOINT)
        return f"{parts.scheme}://{parts.netloc}"
    return f"https://{settings.COS_DOMAIN or f'{settings.COS_BUCKET}.cos.{settings.COS_REGION}.myqcloud.com'}"
