"""Sign-in through a company's identity provider: OpenID Connect by Authlib, with PKCE, state and nonce."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from fastapi import Request
from fastapi.responses import Response

from desk.api.roles import Role
from desk.web.users import SignInRefused, User
from schemas.errors import InvalidInput
from streams.settings import Settings

log = logging.getLogger(__name__)

BACK = "/sign-in/company/back"


class Provider:
    """The identity provider of the settings."""

    def __init__(self, settings: Settings) -> None:
        """Raises InvalidInput when the settings do not belong together."""
        secret, issuer = settings.oidc_client_secret, settings.oidc_issuer
        if not issuer or not settings.oidc_client_id or secret is None:
            message = "CREDITPULSE_OIDC_ISSUER, _CLIENT_ID and _CLIENT_SECRET belong together"
            raise InvalidInput("oidc", message, field="oidc_client_id")
        self.name = settings.oidc_name
        self._settings = settings
        self._roles = role_map(settings.oidc_roles)
        self._client: Any = OAuth().register(
            "company",
            client_id=settings.oidc_client_id,
            client_secret=secret.get_secret_value(),
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": settings.oidc_scope, "code_challenge_method": "S256", "timeout": 10.0},
        )

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider; raises SignInRefused when it does not answer."""
        try:
            answer: Response = await self._client.authorize_redirect(
                request, f"{self._settings.desk_url.rstrip('/')}{BACK}"
            )
        except (httpx.HTTPError, AuthlibBaseError, ValueError, KeyError) as error:
            raise SignInRefused("away", f"the identity provider does not answer: {error!r}") from error
        return answer

    async def back(self, request: Request) -> User:
        """The user whom the provider sent back, after its token was checked; raises SignInRefused."""
        try:
            token = await self._client.authorize_access_token(request)
        except httpx.HTTPError as error:
            raise SignInRefused("away", f"the identity provider does not answer: {error!r}") from error
        except Exception as error:  # the library's own errors, and those of its token library
            raise SignInRefused("refused", f"the token was not accepted: {error!r}") from error
        claims = token.get("userinfo") or {}
        name = str(claims.get(self._settings.oidc_name_claim) or "").strip()
        role = role_of(claims, self._settings.oidc_role_claim, self._roles)
        if not name or not name.isprintable() or len(name) > 128:
            raise SignInRefused("refused", f"the token has no usable claim {self._settings.oidc_name_claim!r}")
        if role is None:
            raise SignInRefused("no_role", f"{name!r} has no role of ours in {self._settings.oidc_role_claim!r}")
        return User(name, role, "oidc")


def role_map(text: str) -> dict[str, Role]:
    """``credit-team=analyst,credit-heads=approver``: what the provider calls our roles; raises InvalidInput."""
    found: dict[str, Role] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        theirs, _, ours = part.rpartition("=")
        try:
            found[theirs.strip()] = Role(ours.strip())
        except ValueError as error:
            message = f"CREDITPULSE_OIDC_ROLES: {part!r} is not VALUE=ROLE with a role of {', '.join(Role)}"
            raise InvalidInput("oidc_roles", message, field="oidc_roles") from error
    return found


def role_of(claims: Mapping[str, Any], claim: str, roles: Mapping[str, Role]) -> Role | None:
    """The highest role that the claim (a text or a list; dots lead into objects) gives, or None."""
    found: Any = claims
    for part in claim.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    held = [roles[value] for value in values if isinstance(value, str) and value in roles]
    return max(held, key=list(Role).index, default=None)
