"""HTTP client of the webhooks: connects to the very addresses that it has checked, follows nothing, keeps to limits."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore
import httpx

from alerts.webhooks.addresses import AddressRules

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""``(host, port) -> addresses``; raises OSError."""

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 15.0
_LOOK_UPS = ThreadPoolExecutor(32, thread_name_prefix="webhook-dns")
"""Apart from the loop's own threads: names that hang must not hold up anything else."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver gives, best first; raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(
            _LOOK_UPS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        )
    except UnicodeError as error:  # a label that is too long
        raise OSError(f"is no host name: {error}") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves once, checks, and connects to what was checked: a name that answers otherwise the next moment gains
    nothing. TLS is still made with the name of the URL."""

    def __init__(self, rules: AddressRules, resolver: Resolver, *, plain_http: bool) -> None:
        self._rules, self._resolver, self._plain_http = rules, resolver, plain_http
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolver(host.strip("[]"), port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"the name {host!r} was not resolved in time") from error
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host!r} cannot be resolved: {error}") from error
        failed: Exception = httpcore.ConnectError(f"nothing answers at {host!r}")
        for address in self._rules.check(host.strip("[]"), addresses, plain_http=self._plain_http):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _CheckedTransport(httpx.AsyncHTTPTransport):
    def __init__(self, backend: _CheckedBackend, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        # httpx does not hand the backend on; the pool is what it would make, but for that.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context, max_connections=10, max_keepalive_connections=4, keepalive_expiry=30.0,
            network_backend=backend,
        )  # fmt: skip


def webhook_client(
    rules: AddressRules,
    *,
    plain_http: bool,
    resolver: Resolver = resolve,
    context: ssl.SSLContext | None = None,
    seconds: float = READ_SECONDS,
) -> httpx.AsyncClient:
    """A client for one subscription's URL; no redirects, no proxies, no cookies or passwords from the environment.

    ``context``: TLS, by default with the system's CAs (SSL_CERT_FILE names others).
    ``plain_http``: the URL is http, so every address has to be allowed by the rules. A request raises AddressRefused
    when the host has an address that is not allowed.
    """
    backend = _CheckedBackend(rules, resolver, plain_http=plain_http)
    return httpx.AsyncClient(
        transport=_CheckedTransport(backend, context or ssl.create_default_context()),
        timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        follow_redirects=False,
        trust_env=False,
    )
