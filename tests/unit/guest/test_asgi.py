from __future__ import annotations

import pytest

from tholos_guest import asgi, wsgi
from tholos_guest.failure import CannotStart


def scope(kind: str = "http", **headers: str) -> dict[str, object]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "scheme": "http" if kind == "http" else "ws", "client": None, "headers": raw}


def test_scheme_and_client_are_the_gateways_last_word():
    made = scope(x_forwarded_proto="http, https", x_forwarded_for="6.6.6.6, 10.1.2.3")
    asgi.believe(made)
    assert (made["scheme"], made["client"]) == ("https", ("10.1.2.3", 0))


def test_a_websockets_scheme_follows():
    made = scope("websocket", x_forwarded_proto="https")
    asgi.believe(made)
    assert made["scheme"] == "wss"


def test_nonsense_is_left_out():
    made = scope(x_forwarded_proto="javascript")
    asgi.believe(made)
    assert (made["scheme"], made["client"]) == ("http", None)


def test_an_old_uvicorn_gets_only_the_options_that_it_knows(monkeypatch):
    class Old:
        def __init__(self, app: object, lifespan: str = "auto", ws: str = "auto") -> None: ...

    monkeypatch.setattr(asgi.uvicorn, "Config", Old)
    assert set(asgi.known_options(8.0)) == {"lifespan", "ws"}


class Callable:
    async def __call__(self, scope: object, receive: object, send: object) -> None: ...


async def coroutine(scope: object, receive: object, send: object) -> None: ...


@pytest.mark.parametrize("app", [coroutine, Callable()])
def test_an_asgi_app_is_recognised_without_calling_it(app):
    with pytest.raises(CannotStart, match="publish it with --kind asgi"):
        wsgi.refuse_asgi(app, "app:app")


def test_a_wsgi_app_of_any_form_passes():
    for app in (print, lambda _environ, _start: [], type("App", (), {"__call__": lambda *_: []})()):
        wsgi.refuse_asgi(app, "app:app")
