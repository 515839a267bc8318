"""What every answer of the console carries, and what every change must bring."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from regulars.console.sessions import is_form_token

POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
))  # fmt: skip
"""Nothing from other hosts, and nothing that stands in a page itself: no script, no style."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer, browsers hide from a form's answer that it is of this host
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "strict-transport-security": "max-age=31536000",
}
FIELD = "form_token"
HEADER = "x-form-token"


def is_from_here(request: Request, session: str, given: str) -> bool:
    """Whether a change was asked for by a page of this console, opened by this very session."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        return False
    return bool(session) and is_form_token(session, given)
