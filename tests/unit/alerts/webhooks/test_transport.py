"""The client connects to what it has checked, whatever DNS says the next moment."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from alerts.webhooks.addresses import AddressRefused, AddressRules
from alerts.webhooks.sender import Sender
from alerts.webhooks.service import check_target
from alerts.webhooks.transport import Resolver, webhook_client
from streams.embedded.broker import free_port
from streams.settings import Settings
from tests.unit.alerts.samples import AT

SECRET = "whsec_" + "A" * 32


class Names:
    """A resolver whose answers change: the n-th question gets the n-th answer."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


class Server:
    """An HTTP server on 127.0.0.1 that counts who comes, and which Host they name."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port, self.hosts, self._tls = free_port(), list[str](), tls

    async def __aenter__(self) -> Server:
        app = web.Application()

        async def take(request: web.Request) -> web.Response:
            self.hosts.append(request.headers["Host"])
            return web.Response()

        app.router.add_post("/", take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def post(rules: AddressRules, url: str, resolver: Resolver) -> httpx.Response:
    async with webhook_client(rules, plain_http=url.startswith("http:"), resolver=resolver, seconds=3) as client:
        return await client.post(url)


async def test_it_connects_to_the_checked_address_under_the_name_of_the_url() -> None:
    """One look-up, and the server is told the name."""
    async with Server() as server:
        names = Names(["127.0.0.1"])
        rules = AddressRules.parse("127.0.0.1")
        response = await post(rules, f"http://erp.example.com:{server.port}/", names)
        assert (response.status_code, names.asked) == (200, 1)
        assert server.hosts == [f"erp.example.com:{server.port}"]


async def test_a_name_that_is_rebound_is_refused_at_delivery() -> None:
    """Public when the subscription is made, loopback afterwards: the request never leaves."""
    async with Server() as server:
        names = Names(["1.1.1.1"], ["127.0.0.1"])
        url = f"https://rebind.example.com:{server.port}/"
        settings = Settings(_env_file=None)
        await check_target(settings, url, names)
        with pytest.raises(AddressRefused, match=r"127\.0\.0\.1, which is not public"):
            await post(AddressRules(), url, names)
        assert server.hosts == []


async def test_a_name_with_one_bad_address_among_good_ones_is_refused() -> None:
    """Nobody is to find out which one the client would take."""
    with pytest.raises(AddressRefused):
        await post(AddressRules(), "https://mixed.example.com/", Names(["1.1.1.1", "10.0.0.1"]))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "0x7f000001", "2130706433", "127.1", "localhost", "0"])
async def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    """The system's resolver understands them; what it answers is checked."""
    async with Server() as server:
        try:
            with pytest.raises(AddressRefused):
                await post(AddressRules(), f"https://{host}:{server.port}/", resolve_like_the_system)
        except (httpx.ConnectError, httpx.InvalidURL):
            pass  # not resolved at all: just as good
        assert server.hosts == []


async def resolve_like_the_system(host: str, port: int) -> list[str]:
    """getaddrinfo without a thread."""
    return [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect to what nobody has checked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with Server() as server:
        rules = AddressRules.parse("127.0.0.1")
        assert (await post(rules, f"http://a.example.com:{server.port}/", Names(["127.0.0.1"]))).status_code == 200


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of erp.example.com that signs itself, and its key."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=erp.example.com",
        "-addext", "subjectAltName=DNS:erp.example.com", "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl")
@pytest.mark.parametrize(("name", "arrives"), [("erp.example.com", True), ("other.example.com", False)])
async def test_tls_is_checked_against_the_name_of_the_url(
    certificate: tuple[Path, Path], name: str, arrives: bool
) -> None:
    """The connection goes to an address, the certificate has to be that of the name."""
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(*certificate)
    async with Server(server_side) as server:
        client = webhook_client(
            AddressRules.parse("127.0.0.1"), plain_http=False, resolver=Names(["127.0.0.1"]),
            context=ssl.create_default_context(cafile=str(certificate[0])), seconds=3,
        )  # fmt: skip
        sender = Sender(client, f"https://{name}:{server.port}/", lambda: AT)
        outcome = await sender.send("id", "{}", [SECRET])
        await sender.close()
        assert (outcome.status, outcome.error) == ((200, None) if arrives else (None, "connect"))
        assert len(server.hosts) == int(arrives)


@pytest.mark.parametrize(
    ("answer", "error"), [(["10.1.1.1"], "address"), (["127.0.0.1"], "connect"), (OSError("no such name"), "connect")]
)
async def test_what_fails_before_an_answer_is_told_apart(answer: list[str] | OSError, error: str) -> None:
    """A refused address, nobody there, and a name without an address: outcomes, not exceptions."""

    async def names(host: str, port: int) -> list[str]:
        if isinstance(answer, OSError):
            raise answer
        return answer

    url = f"http://x.example.com:{free_port()}/"
    client = webhook_client(AddressRules.parse("127.0.0.1"), plain_http=True, resolver=names, seconds=2)
    sender = Sender(client, url, lambda: AT)
    outcome = await sender.send("id", "{}", [SECRET])
    await sender.close()
    assert (outcome.error, outcome.status) == (error, None)
