"""Where apps share the console's origin, what would outlast a visit needs a sign-in of the last ten minutes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tholos.accounts.confirming import WITHIN
from tholos.accounts.routes import Site
from tholos.testing.asgi import HOST

ONE_ORIGIN = Site(f"http://{HOST}", f"http://{HOST}/app/{{name}}", is_secure=False)
GRAVE = (
    ("POST", "/api/v1/tokens", {}),
    ("POST", "/account/tokens", None),
    ("PATCH", "/api/v1/apps/sales/access", {"audience": "everyone"}),
    ("POST", "/apps/sales/access", None),
    ("POST", "/api/v1/secrets", {"name": "KEY", "value": "x"}),
    ("PATCH", "/api/v1/apps/sales/variables", {}),
    ("POST", "/apps/sales/settings/import", None),
    ("POST", "/api/v1/apps/sales/owner", {"account": "bob"}),
    ("POST", "/api/v1/invitations", {}),
    ("POST", "/device", None),
)
FOR_ADMINISTRATORS = (
    ("POST", "/api/v1/accounts", {"name": "new"}),
    ("POST", "/api/v1/groups", {"name": "team"}),
)


@pytest.fixture
def one_origin(console):
    console.application.state.services.add(ONE_ORIGIN)
    console.add_app("ada", "sales")
    return console


async def send(visitor, method, path, body):
    if body is None:
        return await visitor.form(path, {})
    return await visitor.send(method, path, json.dumps(body).encode())


def code_of(answer):
    return answer.json["error"]["code"] if answer.status == 403 else ""


@pytest.mark.parametrize(
    ("who", "method", "path", "body"),
    [("ada", *one) for one in GRAVE] + [("admin", *one) for one in FOR_ADMINISTRATORS],
)
async def test_it_needs_a_new_sign_in_of_a_browser_alone(one_origin, who, method, path, body):
    browser = one_origin.by_session(who).with_headers(accept="application/json")
    assert code_of(await send(browser, method, path, body)) != "sign_in_too_old"
    one_origin.clock.move(WITHIN + timedelta(seconds=1))
    assert code_of(await send(browser, method, path, body)) == "sign_in_too_old"
    again = one_origin.by_session(who).with_headers(accept="application/json")
    assert code_of(await send(again, method, path, body)) != "sign_in_too_old"
    assert code_of(await send(one_origin.by_token(who), method, path, body)) != "sign_in_too_old"


async def test_everything_else_goes_on(one_origin):
    browser = one_origin.by_session("ada").with_headers(accept="application/json")
    one_origin.clock.move(WITHIN * 2)
    assert (await browser.get("/api/v1/tokens")).status == 200
    assert code_of(await browser.post("/api/v1/apps/sales/restart")) != "sign_in_too_old"
    preview = await browser.post("/api/v1/apps/sales/access/preview", {"audience": "everyone"})
    assert preview.status == 200


async def test_a_page_leads_to_the_sign_in_and_back(one_origin):
    browser = one_origin.by_session("ada").with_headers(referer=f"http://{HOST}/apps/sales/access")
    assert (await browser.get("/sign-in?next=/account")).status == 303
    one_origin.clock.move(WITHIN * 2)
    refused = await browser.form("/apps/sales/access", {})
    assert refused.status == 403
    assert 'href="/sign-in?next=%2Fapps%2Fsales%2Faccess"' in refused.text
    assert (await browser.get("/sign-in?next=/account")).status == 200
    assert "may do there what its visitor may" in (await browser.get("/apps/sales")).text


async def test_where_each_app_has_a_host_nobody_is_asked(console):
    console.add_app("ada", "sales")
    browser = console.by_session("ada").with_headers(accept="application/json")
    console.clock.move(WITHIN * 2)
    for method, path, body in GRAVE:
        assert code_of(await send(browser, method, path, body)) != "sign_in_too_old"
