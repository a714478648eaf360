"""Which server this is, and how one comes to a token, as values and calls. Times are ISO 8601 text in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field

from tholos.client.core import Core
from tholos.client.errors import VersionsDiffer
from tholos.client.fields import Fields

API = 1


@dataclass(frozen=True, slots=True)
class Server:
    """Which server this is and where its apps answer."""

    name: str
    version: str
    api: int
    url: str
    apps_url: str
    """With ``{name}`` for the app's name."""

    @classmethod
    def from_json(cls, value: object) -> Server:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the server's description")
        return cls(
            read.text("name", ""),
            read.text("version", ""),
            read.number("api"),
            read.text("url", ""),
            read.text("apps_url", ""),
        )


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in."""

    name: str
    role: str
    """``viewer``, ``publisher`` or ``administrator``."""
    id: str = ""
    full_name: str = ""
    email: str = ""
    has_password: bool = False

    @classmethod
    def from_json(cls, value: object) -> Account:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the account")
        return cls(
            read.text("name"),
            read.text("role", ""),
            read.text("id", ""),
            read.text("full_name", ""),
            read.text("email", ""),
            read.flag("has_password"),
        )


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new token; the server shows it this once."""

    token: str = field(repr=False)
    id: str
    expires_at: str
    account: Account

    @classmethod
    def from_json(cls, value: object) -> SignIn:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the new token")
        account = Account.from_json(read.value.get("account"))
        return cls(read.text("token"), read.text("id", ""), read.text("expires_at", ""), account)


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """How somebody in a browser lets a terminal in; the names on the wire are those of RFC 8628."""

    secret: str = field(repr=False)
    user_code: str
    page: str
    """Where the code is typed."""
    whole_page: str
    """The same, with the code in it."""
    seconds: int
    """How long it is good for."""
    interval: int
    """Seconds to wait between two questions whether somebody has."""

    @classmethod
    def from_json(cls, value: object) -> DeviceCode:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "the code")
        page = read.text("verification_uri")
        return cls(
            read.text("device_code"),
            read.text("user_code"),
            page,
            read.text("verification_uri_complete", page),
            read.number("expires_in"),
            max(1, read.number("interval", 5)),
        )


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token besides itself."""

    id: str
    label: str
    created_at: str
    expires_at: str
    last_used_at: str
    scope: str = "full"
    """``open``, ``read``, ``publish`` or ``full``."""
    app: str = ""
    """The one app that it is good for; all where empty."""
    current: bool = False
    """Whether it is the one that asks."""

    @classmethod
    def from_json(cls, value: object) -> Token:
        """Raises UnexpectedAnswer."""
        read = Fields(value, "a token")
        return cls(
            read.text("id"),
            read.text("label", ""),
            read.text("created_at", ""),
            read.text("expires_at", ""),
            read.text("last_used_at", ""),
            read.text("scope", "full"),
            read.text("app", ""),
            read.flag("current"),
        )


class SignInCalls(Core):
    """The calls about who one is to a server; :class:`tholos.client.api.Client` has them."""

    def server(self) -> Server:
        """Which server this is; needs no token.

        Raises:
            VersionsDiffer: it speaks another version of the API.
        """
        server = self._get("/server", Server.from_json)
        if server.api != API:
            raise VersionsDiffer(
                f"Cannot talk to {self.address}: it speaks version {server.api} of the API, this client version {API}.",
                fix=f"install the client of the server's version: pip install 'tholos=={server.version}'",
            )
        return server

    def sign_in_with_code(self, code: str, label: str = "") -> SignIn:
        """A token for a one-time code of a sign-in link."""
        return self._sign_in({"code": code, "label": label})

    def sign_in(self, name: str, password: str, label: str = "") -> SignIn:
        """A token for a name and password."""
        return self._sign_in({"name": name, "password": password, "label": label})

    def begin_device_sign_in(self, label: str = "") -> DeviceCode:
        """Ask to be let in by somebody in a browser, who is shown the label and confirms the code."""
        return DeviceCode.from_json(self._call("POST", "/device/code", {"label": label}).json())

    def finish_device_sign_in(self, secret: str) -> SignIn:
        """A token, once somebody has let this terminal in.

        Raises:
            RemoteInvalid: with code ``authorization_pending`` or ``slow_down``, not yet; with ``expired_token``, never.
            RemoteForbidden: somebody refused.
        """
        answer = self._call("POST", "/device/token", {"device_code": secret}, may_repeat=False)
        return SignIn.from_json(answer.json())

    def _sign_in(self, body: dict[str, str]) -> SignIn:
        return SignIn.from_json(self._call("POST", "/tokens", body, may_repeat=False).json())
