"""Commands about who is signed in here: login, logout."""

from __future__ import annotations

import getpass
import platform
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tholos.cli import device as browsers
from tholos.cli import memory
from tholos.cli.console import Console, of_terminal
from tholos.cli.failures import print_json
from tholos.cli.session import choose_server
from tholos.client.address import Address
from tholos.client.api import Client
from tholos.client.errors import RemoteNotSignedIn, Unreachable
from tholos.client.signing_in import SignIn
from tholos.kit.errors import Invalid, NotFound


class NothingToSignInWith(Invalid):
    """Cannot log in: there is neither a link, a password nor a token."""

    code = "nothing_to_sign_in_with"


class TokenFileUnreadable(NotFound):
    """Cannot read the file of the token."""

    code = "token_file_unreadable"


def log_in(
    *, target: str, device: bool, name: str | None, password_stdin: bool, token_file: str | None
) -> int:
    """Sign in by the browser, a link's code, a name and password, or a token; the server becomes the default one."""
    server, code = split_link(target)
    console = of_terminal()
    address = Address.parse(server)
    if not address.is_tls and not address.is_loopback:
        console.note(f"the way to {address} is not encrypted: others on it can read your password and token")
    if token_file:
        url, login = log_in_with_token(address, read_token(token_file))
    else:
        with Client(str(address)) as client:
            url = own_url(client)
            if code or name or password_stdin:
                signed_in = sign_in(client, code, name, password_stdin=password_stdin)
            else:
                signed_in = sign_in_by_browser(client, console, is_elsewhere=device)
        account = signed_in.account
        login = memory.Login(signed_in.token, account.name, account.role, signed_in.expires_at)
    memory.add_login(url, login)
    role = f" ({login.role})" if login.role else ""
    console.line(f"  ✔ {login.account}{role} on {url.partition('://')[2]}, now the default server")
    return 0


def log_in_with_token(address: Address, token: str) -> tuple[str, memory.Login]:
    """Check a token that somebody else made."""
    with Client(str(address), token) as client:
        url = own_url(client)
        account = client.me()
    return url, memory.Login(token, account.name, account.role)


def sign_in_by_browser(client: Client, console: Console, *, is_elsewhere: bool) -> SignIn:
    """Somebody lets this terminal in from a browser, here or elsewhere.

    Raises:
        NothingToSignInWith: nobody would see the code.
    """
    if not is_elsewhere and not sys.stdin.isatty():
        raise NothingToSignInWith(
            "Cannot log in: there is neither a link, a password nor a token, and nobody to ask.",
            fix="give the whole sign-in link, or --name NAME --password-stdin, or --token-file FILE, "
            "or --device to be let in from a browser",
        )
    opens_browser = not is_elsewhere and browsers.has_browser()
    return browsers.sign_in_by_browser(client, label_of_here(), console, opens_browser=opens_browser)


def label_of_here() -> str:
    return f"tholos on {platform.node()}"


def sign_in(client: Client, code: str, name: str | None, *, password_stdin: bool) -> SignIn:
    label = label_of_here()
    if code:
        return client.sign_in_with_code(code, label)
    if not password_stdin and not sys.stdin.isatty():
        raise NothingToSignInWith(
            "Cannot log in: there is neither a password nor anybody to ask for it.", fix="--password-stdin"
        )
    said = name or ask("name")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else getpass.getpass("  password: ")
    return client.sign_in(said, password, label)


def ask(question: str) -> str:
    """An answer typed at the terminal.

    Raises:
        NothingToSignInWith: stdin is no terminal.
    """
    if not sys.stdin.isatty():
        raise NothingToSignInWith(f"Cannot log in: no {question} was given.", fix=f"--{question}")
    print(f"  {question}: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def log_out(*, server: str | None, as_json: bool) -> int:
    """End the token at the server and forget it here, in this order as far as the server can be reached."""
    console = of_terminal(as_json=as_json)
    url = choose_server(server)
    login = memory.read_servers().logins.get(url)
    if login is None:
        console.row(f"not logged in to {url}")
        if as_json:
            print_json(server=url, state="not logged in")
        return 0
    try:
        with Client(url, login.token) as client:
            client.revoke_token()
    except RemoteNotSignedIn:
        console.note("the token had ended already")
    except Unreachable:
        console.note(
            f"{url} cannot be reached: the token is forgotten here but stays valid until {login.expires_at}"
        )
    memory.remove_login(url)
    console.line(f"  ✔ logged out of {url.partition('://')[2]}")
    if as_json:
        print_json(server=url, state="logged out")
    return 0


def split_link(target: str) -> tuple[str, str]:
    """The server and the one-time code in a sign-in link; the code is empty for a plain URL.

    A link is ``SERVER/PAGE?code=CODE``; the page is its last segment, so that a server below a path works too.
    """
    try:
        parts = urlsplit(target)
    except ValueError:
        return target, ""
    code = next(iter(parse_qs(parts.query).get("code", []) or parse_qs(parts.fragment).get("code", [])), "")
    if not code:
        return target, ""
    base = parts.path.rstrip("/").rpartition("/")[0]
    return f"{parts.scheme}://{parts.netloc}{base}", code


def own_url(client: Client) -> str:
    """The name that the server is remembered by: on this machine its own, so that 127.0.0.1 is not another one."""
    said = client.server().url
    if client.address.is_loopback and said and Address.parse(said).is_loopback:
        return str(Address.parse(said))
    return str(client.address)


def read_token(path: str) -> str:
    """A token in a file, or on stdin for ``-``.

    Raises:
        TokenFileUnreadable, NothingToSignInWith: there is none.
    """
    try:
        token = sys.stdin.readline() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TokenFileUnreadable(f"Cannot read the token: {error}.", where=path) from error
    if not token.strip():
        raise NothingToSignInWith("Cannot log in: the file of the token is empty.", where=path)
    return token.strip()
