"""HTTP to addresses that people typed. What such an address leads to is looked up once, checked, and connected to as
it was checked: a name that answers differently a moment later leads nowhere else.

Leaves what is sent, and when it is tried again, to its callers. No proxy, no redirect, no cookie, no more than a few
seconds and kilobytes.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from tholos.kit.errors import Invalid, Unavailable
from tholos.kit.lazily import load_when_used

if TYPE_CHECKING:
    import httpx
else:
    httpx = load_when_used("httpx")

A = TypeVar("A")

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port, as text."""

CONNECT_S = 3.0
TOTAL_S = 10.0
MOST_BYTES = 4096
"""Of an answer that are read."""
MOST_URL = 2000
MOST_KEPT = 16
"""Hosts whose connections are kept for what is asked next."""
KEPT_S = 60.0
MOST_ADDRESSES = 4
"""Of a name that are tried."""
WEBHOOK_SETTING = "notifications.allow_networks"
_ALSO_INWARD: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's own services, at an address that looks public
        "192.88.99.0/24",  # the way to 6to4 relays (RFC 7526)
        "::/96",  # IPv4 in the form that was given up (RFC 4291, 2.5.5.1)
        "64:ff9b:1::/48",  # local-use translation to IPv4 (RFC 8215)
        "fec0::/10",  # site-local, given up (RFC 3879)
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_lookups = ThreadPoolExecutor(4, "lookup")
"""Of their own, since a name server that does not answer holds a thread for long."""


class AddressRefused(Invalid):
    """Cannot send anything there."""

    code = "address_refused"


class NotDelivered(Unavailable):
    """Cannot deliver this: the receiver could not be reached, or did not take it."""

    code = "not_delivered"

    @property
    def status(self) -> int | None:
        """What the receiver answered; None where it answered nothing."""
        found = self.details.get("status")
        return found if isinstance(found, int) else None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered that took it."""

    status: int
    text: str
    """The beginning of it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered, whatever that was."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes
    """Undecoded."""


def read_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as operators write them, such as ``10.0.0.0/8``.

    Raises: ValueError.
    """
    return tuple(ipaddress.ip_network(text.strip()) for text in texts if text.strip())


def check_url(url: str, allowed: Sequence[Network] = (), *, setting: str = WEBHOOK_SETTING) -> httpx.URL:
    """A URL that something may be sent to, as far as it tells by itself; the setting is what an operator allows networks by.

    Raises: AddressRefused.
    """
    fix = "Give an address such as https://hooks.example.org/tholos"
    if len(url) > MOST_URL or not url.isprintable() or " " in url:
        raise AddressRefused("Cannot send to this address: it is no URL.", fix=fix, where="url")
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # decoded only now: a label may say that it is punycode, and be none
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused("Cannot send to this address: it is no URL.", fix=fix, where="url") from error
    if parsed.scheme not in {"http", "https"} or not host:
        raise AddressRefused(
            "Cannot send to this address: it is neither http nor https.", fix=fix, where="url"
        )
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise AddressRefused("Cannot send to this address: it has no such port.", fix=fix, where="url")
    if parsed.userinfo:
        raise AddressRefused(
            "Cannot send to this address: a name and password have no place in it.", fix=fix, where="url"
        )
    if "%" in host:
        raise AddressRefused("Cannot send to this address: it names a network card.", fix=fix, where="url")
    literal = _as_address(host)
    if literal is not None:
        check_address(literal, allowed, setting=setting)
    return parsed


def check_address(
    address: IPAddress, allowed: Sequence[Network] = (), *, setting: str = WEBHOOK_SETTING
) -> None:
    """Raises: AddressRefused: it leads inwards, and no operator has allowed that."""
    for one in _meant(address):
        if any(one in network for network in allowed):
            continue
        if _is_inward(one):
            raise AddressRefused(
                f"Cannot send to {address}: it leads into this installation's own network.",
                fix=f"An operator can allow networks by the setting {setting}.",
                where="url",
            )


def _meant(address: IPAddress) -> list[IPAddress]:
    """An address and the IPv4 address that is written in it, if one is."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address.teredo is not None:
        return [address, *address.teredo]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def _is_inward(address: IPAddress) -> bool:
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or any(address in network for network in _ALSO_INWARD if network.version == address.version)
    )


def _as_address(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


async def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the system's resolver."""
    found = await asyncio.get_running_loop().run_in_executor(
        _lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return [*dict.fromkeys(str(one[4][0]) for one in found)]


@functools.cache
def read_authorities(further: str = "") -> ssl.SSLContext:
    """The public ones, those that the operator added to this machine, and further ones (PEM). It takes a fifth of a second."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if further:
        context.load_verify_locations(cadata=further)
    return context


Exchange: TypeAlias = Callable[["httpx.AsyncClient", "httpx.Request", "httpx.URL"], Awaitable[A]]


@functools.cache
def _no_authorities() -> ssl.SSLContext:
    """For what goes without TLS: made once, since the client makes one anyhow."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass(slots=True)
class _Kept:
    """Connections to a host, and how many use them just now."""

    client: httpx.AsyncClient
    users: int = 0


class Outgoing:
    """Sends to addresses that people typed.

    Args:
        allowed: networks that may be sent to although they lead inwards.
        resolve: finds the addresses of a name.
        total_s: seconds that one sending takes at most, whatever the receiver does.
        authorities: reads whose certificates are believed, when the first sending by TLS needs it.
        setting: by which an operator allows networks, for messages.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve = look_up,
        total_s: float = TOTAL_S,
        authorities: Callable[[], ssl.SSLContext] = read_authorities,
        setting: str = WEBHOOK_SETTING,
    ) -> None:
        self.allowed = tuple(allowed)
        self._resolve = resolve
        self._total_s = total_s
        self._authorities = authorities
        self._setting = setting
        self._kept: dict[str, _Kept] = {}
        """By scheme, host and port."""

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        """Send once; returns when the receiver has taken it.

        Raises: AddressRefused, NotDelivered.
        """
        return await self._send("POST", url, content, headers, self._exchange)

    async def fetch(
        self, method: str, url: str, headers: Mapping[str, str], *, content: bytes = b"", most: int
    ) -> Fetched:
        """Ask once, for an answer of so many bytes at most; what it answers is for the caller to judge.

        Raises: AddressRefused, NotDelivered.
        """

        async def take(client: httpx.AsyncClient, request: httpx.Request, target: httpx.URL) -> Fetched:
            return await _take(client, request, target, most)

        try:
            return await self._send(method, url, content, headers, take, is_kept=True)
        except NotDelivered as error:
            if not isinstance(
                error.__cause__, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError
            ):
                raise
        # It was a connection that was kept, and that the other side has closed meanwhile.
        return await self._send(method, url, content, headers, take, is_kept=True)

    async def close(self) -> None:
        """Close the connections that were kept."""
        kept, self._kept = self._kept, {}
        for one in kept.values():
            await one.client.aclose()

    async def addresses_of(self, host: str, port: int) -> Sequence[IPAddress]:
        """A host's addresses, each of them checked, for who connects by other means.

        Raises: AddressRefused, NotDelivered.
        """
        try:
            async with asyncio.timeout(self._total_s):
                return await self._find_checked(host, port)
        except TimeoutError as error:
            raise NotDelivered(f"{host} was not found within {self._total_s:g} s.") from error

    async def _send(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        exchange: Exchange[A],
        *,
        is_kept: bool = False,
    ) -> A:
        target = check_url(url, self.allowed, setting=self._setting)
        try:
            async with asyncio.timeout(self._total_s):
                host = target.raw_host.decode("ascii").strip("[]")
                addresses = await self._find_checked(host, _port_of(target))
                async with self._client(target, is_kept=is_kept) as client:
                    return await _send_to_any(client, method, target, addresses, content, headers, exchange)
        except TimeoutError as error:
            raise NotDelivered(f"{target.host} did not answer within {self._total_s:g} s.") from error

    async def _find_checked(self, host: str, port: int) -> Sequence[IPAddress]:
        """All of a host's addresses, each of them checked: one that leads inwards spoils the others."""
        try:
            texts = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise NotDelivered(f"{host} has no address.") from error
        found = [ipaddress.ip_address(text) for text in texts]
        if not found:
            raise NotDelivered(f"{host} has no address.")
        for address in found:
            check_address(address, self.allowed, setting=self._setting)
        return found[:MOST_ADDRESSES]

    @asynccontextmanager
    async def _client(self, target: httpx.URL, *, is_kept: bool) -> AsyncIterator[httpx.AsyncClient]:
        """One of its own, or the one that is kept for a host: a connection is never used for another name than it was
        made for.
        """
        key = f"{target.scheme}://{target.netloc.decode('ascii')}"
        if is_kept and key not in self._kept:
            await self._keep(key, await self._make_client(target))
        found = self._kept.get(key) if is_kept else None
        if found is None:
            async with await self._make_client(target) as client:
                yield client
            return
        found.users += 1
        try:
            yield found.client
        finally:
            found.users -= 1

    async def _keep(self, key: str, client: httpx.AsyncClient) -> None:
        """Keep a client in the place of one that nobody uses just now, if there is no room."""
        idle = next((name for name, one in self._kept.items() if not one.users), None)
        if key in self._kept or (len(self._kept) >= MOST_KEPT and idle is None):
            await client.aclose()
            return
        leaving = self._kept.pop(idle) if idle is not None and len(self._kept) >= MOST_KEPT else None
        self._kept[key] = _Kept(client)
        if leaving is not None:
            await leaving.client.aclose()

    async def _make_client(self, target: httpx.URL) -> httpx.AsyncClient:
        timeout = httpx.Timeout(self._total_s, connect=CONNECT_S)
        verify = await asyncio.to_thread(self._authorities) if target.scheme == "https" else _no_authorities()
        return httpx.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=timeout,
            limits=httpx.Limits(keepalive_expiry=KEPT_S),
        )

    async def _exchange(self, client: httpx.AsyncClient, request: httpx.Request, target: httpx.URL) -> Reply:
        response = await client.send(request, stream=True)
        try:
            text = await _beginning(response)
        finally:
            await response.aclose()
        if response.is_success:
            return Reply(response.status_code, text)
        if 300 <= response.status_code < 400:
            raise self._redirected(target, response)
        shown = f": {text[:200]}" if text else ""
        raise NotDelivered(
            f"{target.host} answered {response.status_code}{shown}.", status=response.status_code
        )

    def _redirected(self, target: httpx.URL, response: httpx.Response) -> NotDelivered:
        location = _printable(response.headers.get("location", ""))[:300]
        why = "redirects are not followed"
        try:
            check_url(str(target.join(location)), self.allowed, setting=self._setting)
        except (AddressRefused, httpx.InvalidURL, ValueError):
            why = "it leads inwards or is no address at all"
        return NotDelivered(
            f"{target.host} answered {response.status_code} and points to {location or 'nowhere'}: refused, {why}.",
            fix="Enter the address that it points to, if that is the right one.",
            status=response.status_code,
        )


async def _send_to_any(
    client: httpx.AsyncClient,
    method: str,
    target: httpx.URL,
    addresses: Sequence[IPAddress],
    content: bytes,
    headers: Mapping[str, str],
    exchange: Exchange[A],
) -> A:
    cause: httpx.HTTPError | None = None
    for address in addresses:
        request = _request(client, method, target, address, content, headers)
        try:
            return await exchange(client, request, target)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            cause = error  # nothing was sent: the next address may do
        except httpx.TransportError as error:
            raise NotDelivered(f"{target.host} broke off: {_reason(error)}.") from error
    raise NotDelivered(f"{target.host} cannot be reached: {_reason(cause)}.") from cause


async def _take(client: httpx.AsyncClient, request: httpx.Request, target: httpx.URL, most: int) -> Fetched:
    """Raises: NotDelivered: there is more of it."""
    response = await client.send(request, stream=True)
    try:
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > most:
                raise NotDelivered(f"{target.host} answered more than {most} bytes.")
    finally:
        await response.aclose()
    return Fetched(response.status_code, dict(response.headers), bytes(content))


def _request(
    client: httpx.AsyncClient,
    method: str,
    target: httpx.URL,
    address: IPAddress,
    content: bytes,
    headers: Mapping[str, str],
) -> httpx.Request:
    """To exactly this address, in the name of the host that was meant: in Host, and in TLS."""
    host = target.raw_host.decode("ascii").strip("[]")
    return client.build_request(
        method,
        target.copy_with(host=str(address), fragment=None),
        content=content,
        headers={**headers, "host": target.netloc.decode("ascii"), "accept-encoding": "identity"},
        extensions={"sni_hostname": host},
    )


async def _beginning(response: httpx.Response) -> str:
    """The first bytes of an answer as text, undecoded; the rest is not waited for."""
    read = b""
    async for chunk in response.aiter_raw(MOST_BYTES):
        read += chunk
        if len(read) >= MOST_BYTES:
            break
    return _printable(read[:MOST_BYTES].decode("utf-8", "replace"))


def _printable(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _reason(error: httpx.HTTPError | None) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {CONNECT_S:g} s"
    return _printable(str(error))[:200] or type(error).__name__


def _port_of(url: httpx.URL) -> int:
    return url.port or {"http": 80, "https": 443}[url.scheme]
