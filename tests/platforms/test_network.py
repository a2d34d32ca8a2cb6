"""Proxies and certificates by which a platform is reached, from variables as proxy programs set them. Real sockets."""

from __future__ import annotations

import os
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import httpx
import pytest

from orders_sync.domain.errors import SettingsError
from orders_sync.platforms import network

PLATFORM = "http://kf.example.test"
TIMEOUT = httpx.Timeout(10)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nwell"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.lower().endswith("_proxy") or name.startswith("SSL"):
            monkeypatch.delenv(name)


def http_proxy(handler: socketserver.StreamRequestHandler) -> str:
    """Answer in place of the host; return the URL that was requested."""
    asked = handler.rfile.readline().split()[1].decode()
    while handler.rfile.readline().strip():
        pass
    handler.wfile.write(ANSWER)
    return asked


def socks5_proxy(handler: socketserver.StreamRequestHandler) -> str:
    _, methods = handler.rfile.read(2)
    handler.rfile.read(methods)
    handler.wfile.write(b"\x05\x00")
    length = handler.rfile.read(5)[4]
    host = handler.rfile.read(length).decode()
    port = int.from_bytes(handler.rfile.read(2), "big")
    handler.wfile.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    http_proxy(handler)
    return f"{host}:{port}"


@contextmanager
def listening(protocol: Callable[[socketserver.StreamRequestHandler], str]) -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(protocol(self))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_address[1], asked
        server.shutdown()


async def get(url: str) -> str:
    async with network.client([url], TIMEOUT) as client:
        return (await client.get(url)).text


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HTTP_PROXY", "http://127.0.0.1:PORT"),
        ("http_proxy", "127.0.0.1:PORT"),
        ("ALL_PROXY", "127.0.0.1:PORT/"),
        ("all_proxy", ' "http://127.0.0.1:PORT" '),
        ("HTTP_PROXY", "http://user:p@ss@127.0.0.1:PORT"),
    ],
)
async def test_a_proxy_is_used_however_its_address_is_written(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(http_proxy) as (port, asked):
        monkeypatch.setenv(variable, value.replace("PORT", str(port)))
        assert await get(f"{PLATFORM}/x") == "well"
    assert asked == [f"{PLATFORM}/x"]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks", "SOCKS5"])
async def test_a_socks_proxy_is_used_and_resolves_the_name_itself(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(socks5_proxy) as (port, asked):
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{port}")
        assert await get(f"{PLATFORM}/x") == "well"
    assert asked == ["kf.example.test:80"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_is_never_reached_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(http_proxy) as (port, asked), listening(http_proxy) as (proxy, by_proxy):
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("HTTP_PROXY", "no such thing")
        assert await get(f"http://{host}:{port}/x") == "well"
    assert (asked, by_proxy) == (["/x"], [])


@pytest.mark.parametrize(
    "host", ["127.8.9.10", "[::1]", "0.0.0.0", "LOCALHOST.", "shop.localhost", "[::ffff:127.0.0.1]"]
)
def test_every_address_of_this_machine_is_one(host: str) -> None:
    assert network.proxy_of(httpx.URL(f"http://{host}:8688"), {"all": "http://proxy:1"}) is None


@pytest.mark.parametrize("value", ["http://127.0.0.1:1", "socks5://127.0.0.1:1"])
async def test_an_error_names_the_proxy_it_came_through(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(httpx.TransportError, match=r"through the proxy 127\.0\.0\.1:1 of ALL_PROXY"):
        await get(PLATFORM)


async def test_a_proxy_of_another_protocol_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def web_server(handler: socketserver.StreamRequestHandler) -> str:
        handler.wfile.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return ""

    with listening(web_server) as (port, _):
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{port}")
        with pytest.raises(httpx.TransportError, match="of ALL_PROXY"):
            await get(PLATFORM)


@pytest.mark.parametrize(
    "value",
    [
        "http://",
        "://",
        "http://:7890",
        "http://host:port",
        "http://host:99999",
        "http://user:p/SECRET@host:80",
        "ftp://host:21",
        "socks4://host:1080",
        "a proxy",
        "7890",
        "http://a..b:80",
        f"http://{'a' * 70}:80",
        "http://ho\tst:1",
        '"http://host:1" #SECRET',
    ],
)
def test_a_value_that_is_no_proxy_is_one_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(SettingsError, match=r"^HTTPS_PROXY: ") as raised:
        network.client(["https://kf.fw199.com"], TIMEOUT)
    assert "SECRET" not in str(raised.value)


def test_a_value_nobody_needs_is_not_complained_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "no such thing")
    network.client([PLATFORM, "http://127.0.0.1:9"], TIMEOUT)
    network.client(["https://kf.fw199.com"], TIMEOUT, httpx.MockTransport(lambda _: httpx.Response(200)))


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_is_no_proxy(value: str) -> None:
    assert network.proxy_of(httpx.URL(PLATFORM), {"http": value, "all": value}) is None


HOSTS = {
    "kf.example.test": [
        "*",
        "kf.example.test",
        ".example.test",
        "*.example.test",
        "EXAMPLE.test.",
        "other, example.test",
        "other example.test",
        "kf.example.test:80",
        "http://kf.example.test/",
    ],
    "10.1.2.3": ["10.1.2.3", "10.0.0.0/8", "10.1.2.3:80", "other;10.1.2.3/32"],
    "[fd00::7]": ["fd00::7", "[fd00::7]", "fd00::/8", "[fd00::]/8", "[fd00::7]:80", "FD00:0:0::7"],
}
OTHERS = ["xexample.test", "kf.example.test:81", "10.2.0.0/16", "fe80::/10", "[::1]", "10.1.2", "/", "[", "a:b:c"]


@pytest.mark.parametrize(("host", "entry"), [(host, entry) for host, entries in HOSTS.items() for entry in entries])
def test_what_no_proxy_names_is_reached_directly(host: str, entry: str) -> None:
    assert network.proxy_of(httpx.URL(f"http://{host}"), {"all": "http://proxy:1", "no": entry}) is None


@pytest.mark.parametrize("entry", OTHERS)
@pytest.mark.parametrize("host", HOSTS)
def test_what_no_proxy_does_not_name_or_cannot_mean_is_reached_by_the_proxy(host: str, entry: str) -> None:
    assert network.proxy_of(httpx.URL(f"http://{host}"), {"all": "http://proxy:1", "no": entry}) is not None


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("SSL_CERT_FILE", "/nowhere.pem", "No such file"),
        ("SSL_CERT_FILE", "/", "Is a directory"),
        ("SSL_CERT_FILE", __file__, "no certificate"),
        ("SSL_CERT_FILE", "/dev/null", "no certificate"),
        ("SSL_CERT_DIR", "/nowhere", "No such directory"),
        ("SSL_CERT_DIR", __file__, "No such directory"),
        ("SSLKEYLOGFILE", "/nowhere/keys", "cannot be written"),
    ],
)
def test_certificates_that_cannot_be_used_are_one_sentence(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"^{variable}: {value} .*{words}"):
        network.client(["https://kf.fw199.com"], TIMEOUT)
    network.client(["http://127.0.0.1:9"], TIMEOUT)  # without TLS nobody is trusted


def test_certificates_that_are_named_are_trusted_and_no_others(tmp_path: Path) -> None:
    assert network.certificates({}).get_ca_certs()
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    own = tmp_path / "own.pem"
    own.write_text(first[0][first[0].index("-----BEGIN") :] + first[1])
    assert len(network.certificates({"SSL_CERT_FILE": str(own)}).get_ca_certs()) == 1
    folders = network.certificates({"SSL_CERT_DIR": f"/nowhere{os.pathsep}{tmp_path}"})
    assert (folders.verify_mode, folders.get_ca_certs()) == (ssl.CERT_REQUIRED, [])
