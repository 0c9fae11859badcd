"""Where webhooks may go: a table of addresses, and what the settings allow."""

from __future__ import annotations

import ipaddress

import pytest

from alerts.webhooks.addresses import AddressRefused, AddressRules, checked_url, is_public
from schemas.errors import InvalidInput

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8",  # noqa: S104
    "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:7f00:1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "100::1", "2001::7f00:1", "2001:db8::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111",
          "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8"]  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_refused(address: str) -> None:
    """Private, loopback, link-local, multicast, reserved, mapped, translated, metadata of clouds."""
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(AddressRefused, match="not public"):
        AddressRules().check("hooks.example.com", ["1.1.1.1", address], plain_http=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_passes(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
    assert AddressRules().check("hooks.example.com", [address], plain_http=False) == [address]


@pytest.mark.parametrize(
    ("allow", "host", "address", "passes"),
    [
        ("10.2.0.0/16", "erp.internal", "10.2.3.4", True),
        ("10.2.0.0/16", "erp.internal", "::ffff:10.2.3.4", True),
        ("10.2.0.0/16", "erp.internal", "10.3.0.1", False),
        ("erp.internal", "ERP.internal.", "10.3.0.1", True),
        ("erp.internal", "x.erp.internal", "10.3.0.1", False),
        (" 127.0.0.1 , fd00::/8 ", "localhost", "fd00::7", True),
        ("127.0.0.1", "localhost", "127.0.0.2", False),
        ("", "localhost", "127.0.0.1", False),
    ],
)
def test_settings_allow_networks_and_hosts(allow: str, host: str, address: str, passes: bool) -> None:
    """What is allowed may be reached, by plain HTTP too; nothing else may."""
    rules = AddressRules.parse(allow)
    for plain_http in (False, True):
        if passes:
            assert rules.check(host, [address], plain_http=plain_http) == [address]
        else:
            with pytest.raises(AddressRefused):
                rules.check(host, [address], plain_http=plain_http)


def test_plain_http_goes_to_allowed_hosts_only() -> None:
    """A public address needs TLS."""
    with pytest.raises(AddressRefused, match="https"):
        AddressRules.parse("10.0.0.0/8").check("example.com", ["1.1.1.1"], plain_http=True)


@pytest.mark.parametrize("allow", ["10.0.0.0/33", "10.0.0.300", "10.0.0.1/8", "::g"])
def test_a_wrong_allowance_is_refused(allow: str) -> None:
    """A typing error must not be taken for a host name."""
    with pytest.raises(InvalidInput, match="is no network"):
        AddressRules.parse(allow)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "//example.com", "ftp://example.com", "https://", "https:///x", "file:///etc/passwd",
        "https://user@example.com", "https://user:secret@example.com", "https://:@example.com/", "https://a b.com",
        "https://example.com/#part", "https://example.com:99999", "https://example.com:0", "https://example.com/\nX: 1",
        "https://example.com\\@10.0.0.1/", "https://exämple.com", "https://[::1", "https://example.com/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_a_wrong_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_url(url)
    assert refused.value.field == "url"


@pytest.mark.parametrize("url", ["https://example.com", "http://10.0.0.1:8080/a?b=c", "https://[2606:4700::1]/x"])
def test_a_good_url_passes(url: str) -> None:
    assert checked_url(url).hostname
