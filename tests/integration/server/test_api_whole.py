"""What holds for the whole API: its document, its reference page, and calls that are sent again."""

import re

import pytest


async def _document(console):
    return (await console.nobody.get("/api/v1/openapi.json")).json


async def test_every_call_is_in_the_document_with_words_and_a_name_of_its_own(console):
    document = await _document(console)
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch("[a-z_]+", name) for name in names)
    assert "Idempotency-Key" in document["info"]["description"]


async def test_every_call_says_whom_it_is_for_and_what_errors_it_answers(console):
    for path, methods in (await _document(console))["paths"].items():
        for method, call in methods.items():
            assert call["x-permission"], path
            assert call["responses"]["403"]["content"]["application/json"], path
            assert "422" not in call["responses"], f"{method} {path}"
            assert method == "get" or "409" in call["responses"], f"{method} {path}"


async def test_the_reference_page_has_every_call_and_shape(console):
    page = (await console.by_session("ada").get("/help/api")).text
    document = await _document(console)
    for methods in document["paths"].values():
        for call in methods.values():
            assert f'id="{call["operationId"]}"' in page
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in page


async def test_a_call_that_is_sent_again_is_done_once_and_answered_the_same(console):
    admin = console.by_token("admin").with_headers(idempotency_key="once")
    first = await admin.post("/api/v1/accounts", {"name": "cleo", "role": "viewer"})
    again = await admin.post("/api/v1/accounts", {"name": "cleo", "role": "viewer"})
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/v1/accounts", {"name": "dora", "role": "viewer"}), ("/api/v1/tokens", {"label": "x"})],
)
async def test_a_key_is_for_one_call(console, path, body):
    admin = console.by_token("admin").with_headers(idempotency_key="once")
    assert (await admin.post("/api/v1/accounts", {"name": "cleo", "role": "viewer"})).status == 201
    refused = await admin.post(path, body)
    assert refused.status == 409
    assert refused.json["error"]["code"] == "idempotency_key_reused"


async def test_a_key_is_ones_own(console):
    body = {"label": "ci"}
    mine = await console.by_token("ada").with_headers(idempotency_key="same").post("/api/v1/tokens", body)
    other = await console.by_token("bob").with_headers(idempotency_key="same").post("/api/v1/tokens", body)
    assert (mine.status, other.status) == (201, 201)
    assert mine.json["token"] != other.json["token"]


async def test_what_failed_can_be_tried_again_with_its_key(console):
    admin = console.by_token("admin").with_headers(idempotency_key="again")
    assert (await admin.post("/api/v1/accounts", {"name": "Not a name", "role": "viewer"})).status == 400
    assert (await admin.post("/api/v1/accounts", {"name": "Not a name", "role": "viewer"})).status == 400


async def test_a_kept_answer_is_sealed(console):
    made = (
        await console.by_token("ada")
        .with_headers(idempotency_key="k")
        .post("/api/v1/tokens", {"label": "ci"})
    )
    with console.database.writer.connect() as connection:
        kept = connection.exec_driver_sql("select body from kept_answers").scalar_one()
    assert made.json["token"] not in kept
