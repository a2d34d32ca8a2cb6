"""Proxies and trusted certificates for calls to platforms, from the usual environment variables.

    HTTPS_PROXY, HTTP_PROXY, ALL_PROXY   the proxy, by the scheme of the URL; http:// where a value names no scheme
    NO_PROXY                             hosts, domains, addresses and networks that are reached without it
    SSL_CERT_FILE, SSL_CERT_DIR          certificates to trust instead of the public ones

A name in lower case wins over the same in upper case. Entries of NO_PROXY that mean nothing are skipped. Addresses of
this machine are never reached through a proxy. Anything else that cannot be used is one `ConfigurationError`.

The HTTP client itself ignores the environment (trust_env): it raises whatever its parsers raise, for values that other
programs accept, and knows no networks in NO_PROXY.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.request import getproxies

import certifi
import httpx
from socksio.exceptions import SOCKSError

from orders_sync.domain.errors import ConfigurationError

EXAMPLES = "such as http://127.0.0.1:7890 or socks5://127.0.0.1:7890"
HOST = re.compile(r"(?![0-9]+$)[\w.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")  # a number alone would be read as an address


def client(
    base_urls: Iterable[str], timeout: httpx.Timeout, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Return a client for these addresses. Redirects are not followed: a signed request must not be sent elsewhere.

    `transport` answers instead of the network. Raises `ConfigurationError` for a variable that cannot be used.
    """
    urls = [httpx.URL(url) for url in base_urls]
    found = {} if transport else {url: found for url in urls if (found := proxy_of(url, getproxies()))}
    schemes = {url.scheme for url in urls} | {proxy.url.scheme for proxy, _ in found.values()}
    # reading whom to trust takes longer than a page of orders; without TLS nobody is trusted
    trusted = certificates(os.environ) if "https" in schemes else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(
        verify=trusted,
        timeout=timeout,
        transport=transport,
        mounts={
            f"{url.scheme}://{url.netloc.decode()}": _Proxied(
                httpx.AsyncHTTPTransport(verify=trusted, proxy=proxy, trust_env=False),
                f"the proxy {proxy.url.host}:{proxy.url.port or 80} of {variable}",
            )
            for url, (proxy, variable) in found.items()
        },
        follow_redirects=False,
        trust_env=False,
    )


def proxy_of(url: httpx.URL, proxies: Mapping[str, str]) -> tuple[httpx.Proxy, str] | None:
    """The proxy a URL is reached through and the variable that names it, or None. `proxies`: as `getproxies` returns.

    Raises `ConfigurationError` for a value that is no proxy; it is not repeated, for it may hold a password (P8).
    """
    scheme = next((each for each in (url.scheme, "all") if proxies.get(each, "").strip()), None)
    if scheme is None or _is_local(url.host) or _is_excepted(url, proxies.get("no", "")):
        return None
    variable = _variable(f"{scheme}_proxy")
    text = proxies[scheme].strip().strip("\"'")
    text = re.sub(r"(?i)^socks://", "socks5://", text if "://" in text else f"http://{text}")
    if text.lower().startswith(("socks4://", "socks4a://")):
        raise ConfigurationError(f"{variable}: SOCKS 4 is not supported: name the proxy with socks5:// or http://")
    try:
        proxy = httpx.Proxy(text)
        usable = HOST.fullmatch(proxy.url.host) and (proxy.url.port or 1) < 2**16
        proxy.url.host.encode("idna")
    except (ValueError, httpx.InvalidURL):
        usable = None
    if not usable:
        raise ConfigurationError(f"{variable}: must be the address of a proxy, {EXAMPLES}; without one, unset it")
    return proxy, variable


def certificates(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a context that trusts SSL_CERT_FILE, SSL_CERT_DIR or the public authorities.

    Raises `ConfigurationError`.
    """
    file, folders = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file:
        return _trusting("SSL_CERT_FILE", file, cafile=file)
    if folders:
        if not any(Path(each).is_dir() for each in folders.split(os.pathsep)):
            raise ConfigurationError(_unusable("SSL_CERT_DIR", folders, "No such directory"))
        return _trusting("SSL_CERT_DIR", folders, capath=folders)
    return _trusting("certifi", certifi.where(), cafile=certifi.where())


def _trusting(variable: str, path: str, *, cafile: str | None = None, capath: str | None = None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=cafile, capath=capath)
    except ssl.SSLError:
        raise ConfigurationError(_unusable(variable, path, "it holds no certificate")) from None
    except OSError as error:
        key_log = os.environ.get("SSLKEYLOGFILE")
        if key_log and str(error.filename) == key_log:
            raise ConfigurationError(
                f"SSLKEYLOGFILE: {key_log} cannot be written: {error.strerror}; unset it"
            ) from None
        raise ConfigurationError(_unusable(variable, path, error.strerror)) from None


def _unusable(variable: str, path: str, why: str | None) -> str:
    return (
        f"{variable}: {path} cannot be used: {why}. It names the certificates to trust; without it those of the "
        "public authorities are trusted"
    )


def _variable(name: str) -> str:
    """The name as it is set."""
    set_as = (each for each in (name, name.upper()) if os.environ.get(each))
    return next(set_as, f"{name.upper()} (of the system's settings)")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_local(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host.lower().rstrip(".") == "localhost" or host.lower().endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_excepted(url: httpx.URL, no_proxy: str) -> bool:
    """Return whether NO_PROXY names the host: `*`, a host, a domain, an address, a network; a port may follow."""
    return any(_matches(entry.strip("\"'"), url) for entry in re.split(r"[\s,;]+", no_proxy) if entry)


def _matches(entry: str, url: httpx.URL) -> bool:
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2] if "/" in entry and "://" in entry else entry
    host, address = url.host.lower().rstrip("."), _address(url.host)
    if address is not None and _holds(entry, address):
        return True
    name, _, port = entry.rpartition(":") if re.search(r"[^:]:[0-9]+$|\]:[0-9]+$", entry) else (entry, "", "")
    if port and int(port) != (url.port or {"http": 80, "https": 443}.get(url.scheme)):
        return False
    if address is not None:
        return _address(name) == address
    name = name.lower().rstrip("./").removeprefix("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _holds(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        network = ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
    return address in network


class _Proxied(httpx.AsyncBaseTransport):
    """A transport whose errors name the proxy they came through."""

    def __init__(self, transport: httpx.AsyncBaseTransport, through: str) -> None:
        self._transport = transport
        self._through = through

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._transport.handle_async_request(request)
        except httpx.TransportError as error:
            raise type(error)(self._text(error), request=request) from error
        except SOCKSError as error:  # what answers there speaks another protocol
            raise httpx.ProxyError(self._text(error), request=request) from error

    def _text(self, error: Exception) -> str:
        return f"{str(error).rstrip('.') or type(error).__name__}, through {self._through}"

    async def aclose(self) -> None:
        await self._transport.aclose()
