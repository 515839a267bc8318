"""Who may do what: every route says beside itself which roles it is for."""

from __future__ import annotations

ROLES = ("admin", "growth", "risk", "pricing", "service", "read_only")
"""The administrator may do everything; the others what their work needs; read_only looks and changes nothing."""

Roles = frozenset[str]

ANYBODY: Roles = frozenset({"anybody"})
"""Of pages for who is not signed in: signing in itself."""
ALL: Roles = frozenset(ROLES)
ADMIN: Roles = frozenset({"admin"})


def only(*roles: str) -> Roles:
    """These roles, and the administrator.

    >>> sorted(only("risk"))
    ['admin', 'risk']
    """
    unknown = set(roles) - ALL
    if unknown:
        raise ValueError(f"there is no role {sorted(unknown)}; there are {ROLES}")
    return ADMIN | set(roles)


def may(role: str | None, roles: Roles) -> bool:
    """Whether a role, or None for who is not signed in, is among those that a route is for.

    >>> may("growth", only("risk")), may("risk", only("risk")), may(None, ANYBODY), may(None, ALL)
    (False, True, True, False)
    """
    return roles is ANYBODY or role in roles
