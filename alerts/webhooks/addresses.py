"""Which addresses a webhook may go to: public ones, and what the settings allow by name."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from schemas.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})
"""Services of a cloud for its own machines that stand at a public address (Azure); the others are link-local."""
_NOT_FOR_US = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments; some of Python's own tables hold a part of it only
        "64:ff9b::/96",  # NAT64: whatever IPv4 address is written in it is reached, private ones too
        "64:ff9b:1::/48",
    )
)
_LONGEST_URL = 2_000


class AddressRefused(InvalidInput):
    """A webhook would go where it must not: choose another URL, or have an operator allow the address."""

    def __init__(self, message: str) -> None:
        super().__init__("webhook_address", message, "url")


@dataclass(frozen=True, slots=True)
class AddressRules:
    """``networks`` and ``hosts`` are allowed though they are not public; only to them may plain HTTP go."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> AddressRules:
        """From CREDITPULSE_WEBHOOK_ALLOW: ``10.2.0.0/16,erp.internal``; raises InvalidInput."""
        networks, hosts = [], set()
        for part in filter(None, (item.strip() for item in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(part))
            except ValueError as error:
                if "/" in part or ":" in part or not part.strip(".0123456789"):
                    message = f"CREDITPULSE_WEBHOOK_ALLOW: {part!r} is no network: {error}"
                    raise InvalidInput("webhook_allow", message, "webhook_allow") from error
                hosts.add(part.lower().rstrip("."))
        return cls(tuple(networks), frozenset(hosts))

    def allows(self, host: str, address: Address) -> bool:
        """Whether the settings allow this address, or everything behind this host, explicitly."""
        plain = getattr(address, "ipv4_mapped", None) or address
        return host.lower().rstrip(".") in self.hosts or any(
            candidate in network
            for candidate in (address, plain)
            for network in self.networks
            if candidate.version == network.version
        )

    def check(self, host: str, addresses: list[str], *, plain_http: bool) -> list[str]:
        """All addresses that a host has, or AddressRefused: one that must not be reached is enough."""
        if not addresses:
            raise AddressRefused(f"{host!r} has no address")
        for text in addresses:
            address = ipaddress.ip_address(text)
            if self.allows(host, address):
                continue
            if plain_http:
                raise AddressRefused(f"{host!r} must be reached by https: CREDITPULSE_WEBHOOK_ALLOW does not name it")
            if not is_public(address):
                raise AddressRefused(
                    f"{host!r} has the address {text}, which is not public: CREDITPULSE_WEBHOOK_ALLOW does not name it"
                )
        return addresses


def is_public(address: Address) -> bool:
    """Whether everybody may reach the address: not private, loopback, link-local, multicast, reserved, mapped into
    another family (where that hides one of these), nor a cloud's service for its own machines."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False
    if any(address in network for network in _NOT_FOR_US if network.version == address.version):
        return False
    if address in _METADATA or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return address.is_global and not (address.is_private or address.is_loopback or address.is_link_local)


def checked_url(url: str) -> SplitResult:
    """A URL that a webhook may have, as far as can be told without DNS; raises InvalidInput."""

    def wrong(message: str) -> InvalidInput:
        return InvalidInput("webhook_url", f"the URL {message}", "url")

    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise wrong(f"must be a URL of at most {_LONGEST_URL} ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
        httpx.URL(url)  # what sends has to read it as well
    except (ValueError, httpx.InvalidURL) as error:
        raise wrong(f"is not a URL: {error}") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise wrong("must look like https://host/path")
    if parts.username is not None or parts.password is not None:
        raise wrong("must hold no user name and no password: check the signature instead")
    if parts.fragment:
        raise wrong("must have no #fragment")
    return parts
