"""Sign-in through an identity provider: a small one, spoken to over HTTP, that can also lie."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Form
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey
from nicegui import app as toolkit

from desk.web.oidc import Provider
from desk.web.sessions import SessionCookies, Sessions
from desk.web.sign_in import sign_in_routes
from schemas.errors import InvalidInput
from streams.embedded.broker import free_port
from streams.settings import Settings

SECRET = "a secret of the client"


class Company:
    """An identity provider: discovery, authorisation at once, tokens for codes; ``claims`` are laid over its token."""

    def __init__(self, issuer: str) -> None:
        self.issuer, self.key = issuer, RSAKey.generate_key(2048, {"kid": "k1"})
        self.signs_with = self.key
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}

    def application(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, Any]:
            return {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "id_token_signing_alg_values_supported": ["RS256"], "response_types_supported": ["code"],
            }  # fmt: skip

        @app.get("/keys")
        async def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.get("/authorize")
        async def authorize(
            state: str, nonce: str, redirect_uri: str, code_challenge: str, code_challenge_method: str
        ) -> RedirectResponse:
            assert code_challenge_method == "S256"
            self.codes["the-code"] = {"nonce": nonce, "challenge": code_challenge}
            return RedirectResponse(f"{redirect_uri}?{urlencode({'code': 'the-code', 'state': state})}")

        @app.post("/token")
        async def token(code: str = Form(), code_verifier: str = Form()) -> JSONResponse:
            asked = self.codes.pop(code)
            digest = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
            assert digest == asked["challenge"]
            now = int(time.time())
            claims = {
                "iss": self.issuer, "aud": "desk", "sub": "17", "iat": now, "exp": now + 60, "nonce": asked["nonce"],
                "email": "li.wei@firm.example", "groups": ["staff", "credit"], **self.claims,
            }  # fmt: skip
            signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signs_with)
            return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed})

        return app


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Company, httpx.AsyncClient, Sessions]]:
    """The provider over HTTP, and a browser in front of our sign-in."""
    port = free_port()
    company = Company(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(company.application(), port=port, log_config=None))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    settings = Settings(
        _env_file=None, desk_url="http://desk.test", oidc_issuer=company.issuer, oidc_client_id="desk",
        oidc_client_secret=SECRET, oidc_roles="credit=analyst",
    )  # fmt: skip
    sessions = Sessions()
    toolkit.state.desk = SimpleNamespace(sessions=sessions, demo=None, services=None)
    app = FastAPI()
    app.include_router(sign_in_routes(Provider(settings)))
    app.add_middleware(SessionCookies, sessions=sessions, secure=False)
    transport = httpx.ASGITransport(app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as browser:
            yield company, browser, sessions
    finally:
        server.should_exit = True
        await task
        del toolkit.state.desk


async def _there_and_back(browser: httpx.AsyncClient) -> httpx.Response:
    left = await browser.get("/sign-in/company", params={"next": "/holds"})
    assert left.status_code == 302, left.text
    async with httpx.AsyncClient() as elsewhere:
        returned = await elsewhere.get(left.headers["location"])
    return await browser.get(returned.headers["location"])


async def test_a_person_comes_in_with_the_role_of_the_group() -> None:
    """With the name that the token gives, in a new session, at the page that was asked for."""
    async with running() as (_, browser, sessions):
        answer = await _there_and_back(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/holds")
        session = sessions.find(browser.cookies["creditpulse_session"])
        assert session is not None
        assert session.user is not None
        assert (session.user.name, session.user.role.value) == ("li.wei@firm.example", "analyst")


@pytest.mark.parametrize(
    "claims",
    [{"groups": ["staff"]}, {"email": ""}, {"nonce": "of another sign-in"}, {"aud": "another-client"},
     {"iss": "http://evil.example"}, {"exp": 1}],
    ids=lambda claims: next(iter(claims)),
)  # fmt: skip
async def test_a_token_that_is_not_for_us_lets_nobody_in(claims: dict[str, Any]) -> None:
    """No role, no name, of another sign-in, client or provider, or too old."""
    async with running() as (company, browser, sessions):
        company.claims = claims
        answer = await _there_and_back(browser)
        assert answer.status_code == 403
        session = sessions.find(browser.cookies["creditpulse_session"])
        assert session is None or session.user is None


async def test_a_forged_token_and_a_foreign_state_let_nobody_in() -> None:
    """Signed by somebody else; and an answer to a question that this browser did not ask."""
    async with running() as (company, browser, _):
        company.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
        assert (await _there_and_back(browser)).status_code == 403
        assert (await browser.get("/sign-in/company/back?code=x&state=guess")).status_code == 403


async def test_a_provider_that_is_away_is_said() -> None:
    """And the page for the password is still there."""
    settings = Settings(
        _env_file=None, desk_url="http://desk.test", oidc_issuer=f"http://127.0.0.1:{free_port()}",
        oidc_client_id="desk", oidc_client_secret=SECRET,
    )  # fmt: skip
    toolkit.state.desk = SimpleNamespace(sessions=Sessions(), demo=None, services=None)
    app = FastAPI()
    app.include_router(sign_in_routes(Provider(settings)))
    app.add_middleware(SessionCookies, sessions=toolkit.state.desk.sessions, secure=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://desk.test") as browser:
        answer = await browser.get("/sign-in/company")
    assert answer.status_code == 503
    assert 'id="password"' in answer.text
    assert "; Secure" in answer.headers["set-cookie"]
    del toolkit.state.desk


def test_settings_that_do_not_belong_together() -> None:
    """An issuer without a client."""
    with pytest.raises(InvalidInput):
        Provider(Settings(_env_file=None, oidc_issuer="https://id.example"))
