"""A board of pins by somebody who uses it with data frames: write, read, versions, search, and what others may not."""

from __future__ import annotations

import os
import textwrap

import pytest

BEGIN = """
import os, sys
import pandas as pd
from pins import board_connect
from pins.errors import PinsError
from pins.rsconnect.api import RsConnectApiMissingContentError, RsConnectApiRequestError

server, key = os.environ["CONNECT_SERVER"], os.environ["CONNECT_API_KEY"]
board = board_connect(server_url=server, api_key=key, allow_pickle_read=True)
frame = pd.DataFrame({"name": ["Ada", "Grace", "Žofie"], "year": [1815, 1906, 1900]})

def refused(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError("it was not refused")
"""


def run(clients, code: str, *words: str, **env: str) -> str:
    return clients.python(BEGIN + textwrap.dedent(code), *words, env=env).out


def test_a_pin_has_versions(clients):
    run(
        clients,
        """
        name = "admin/pin-people"
        first = board.pin_write(frame, name, type="csv", title="People", description="Who they were")
        assert board.pin_read(name).equals(frame)
        more = pd.concat([frame, pd.DataFrame({"name": ["Alan"], "year": [1912]})], ignore_index=True)
        second = board.pin_write(more, name, type="csv", metadata={"team": "history"})
        versions = [one.version for one in board.pin_versions(name, as_df=False)]
        assert len(versions) == 2 and versions == sorted(versions, key=int)
        assert board.pin_read(name).equals(more)
        assert board.pin_read(name, version=versions[0]).equals(frame)
        meta = board.pin_meta(name)
        assert (meta.type, meta.user, meta.version.version) == ("csv", {"team": "history"}, versions[1])
        assert board.pin_meta(name, versions[0]).title == "People"

        assert name in board.pin_list()
        assert name in board.pin_search("pin-peo")["name"].to_list()
        assert name not in board.pin_search("nothing like it").get("name", pd.Series()).to_list()

        error = refused(PinsError, board.pin_version_delete, name, versions[1])
        assert "latest" in str(error)
        board.pin_version_delete(name, versions[0])
        assert [one.version for one in board.pin_versions(name, as_df=False)] == versions[1:]
        assert board.pin_read(name).equals(more)
        refused((PinsError, RsConnectApiMissingContentError), board.pin_read, name, version=versions[0])

        board.pin_delete(name)
        assert not board.pin_exists(name)
        assert name not in board.pin_list()
        """,
    )


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "joblib", "json"])
def test_a_data_frame_there_and_back(clients, kind):
    """As the documentation of pins shows it: a board by the environment, a data set of its own, written, read and looked up."""
    clients.python(
        """
import sys
from pins import board_connect
from pins.data import mtcars

def data(rows):
    frame = mtcars.head(rows).reset_index(drop=True)
    return frame.to_dict("list") if kind == "json" else frame

def same(one, other):
    return one == other if kind == "json" else one.equals(other)

kind = sys.argv[1]
name = f"admin/cars-{kind}"
board = board_connect(allow_pickle_read=True)
first = board.pin_write(data(5), name, type=kind, title="Cars", description="Of a magazine")
assert same(board.pin_read(name), data(5)), board.pin_read(name)
second = board.pin_write(data(10), name, type=kind, title="Cars")
assert same(board.pin_read(name), data(10)), board.pin_read(name)
versions = [first.version.version, second.version.version]
assert list(board.pin_versions(name)["version"]) == versions
assert same(board.pin_read(name, version=versions[0]), data(5))
meta = board.pin_meta(name, version=versions[0])
assert (meta.type, meta.title, meta.description) == (kind, "Cars", "Of a magazine"), meta
""",
        kind,
    )


def test_kinds_of_data(clients):
    run(
        clients,
        """
        board.pin_write({"a": [1, 2.5, None], "b": "ü"}, "admin/pin-json", type="json")
        assert board.pin_read("admin/pin-json") == {"a": [1, 2.5, None], "b": "ü"}
        board.pin_write({"model": (1, 2)}, "admin/pin-joblib", type="joblib")
        assert board.pin_read("admin/pin-joblib") == {"model": (1, 2)}
        """,
    )


def test_a_large_file_comes_back_as_it_was(clients, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(50 << 20))
    run(
        clients,
        """
        board.pin_upload(sys.argv[1], "admin/pin-large")
        fetched = board.pin_download("admin/pin-large")
        assert open(fetched[0], "rb").read() == open(sys.argv[1], "rb").read()
        """,
        str(large),
    )


def test_a_board_without_versions_keeps_the_last(clients):
    run(
        clients,
        """
        plain = board_connect(server_url=server, api_key=key, versioned=False)
        for year in (1, 2):
            plain.pin_write({"year": year}, "admin/pin-last", type="json")
        assert len(plain.pin_versions("admin/pin-last")) == 1
        assert plain.pin_read("admin/pin-last") == {"year": 2}
        """,
    )


def test_what_others_may(clients):
    """A stranger finds nothing, a viewer whom it is shared with reads it, an administrator does not read it."""
    owner = clients.server.new_account("pin-olga")
    stranger = clients.server.new_account("pin-sam")
    viewer = clients.server.new_account("pin-vic", role="viewer")
    run(
        clients,
        """
        board.pin_write(frame, "pin-olga/pin-hers", type="csv")
        """,
        CONNECT_API_KEY=owner,
    )
    run(
        clients,
        """
        assert "pin-olga/pin-hers" not in board.pin_list()
        assert not board.pin_exists("pin-olga/pin-hers")
        refused(PinsError, board.pin_write, frame, "pin-olga/pin-other", type="csv")
        """,
        CONNECT_API_KEY=stranger,
    )
    clients.python(
        """
from posit import connect
client = connect.Client()
content = client.content.find_one(name="pin-hers")
content.permissions.create(client.users.find_one(prefix="pin-vic"), role="viewer")
""",
        env={"CONNECT_API_KEY": owner},
    )
    run(
        clients,
        """
        assert board.pin_read("pin-olga/pin-hers").equals(frame)
        assert board.pin_list() == ["pin-olga/pin-hers"]
        refused(RsConnectApiRequestError, board.pin_delete, "pin-olga/pin-hers")
        """,
        CONNECT_API_KEY=viewer,
    )
    run(
        clients,
        """
        assert "pin-olga/pin-hers" not in board.pin_list()
        assert "pin-olga/pin-hers" not in [one.name for one in board.pin_search("pin-", as_df=False)]
        content = board.fs.api.get_content(name="pin-hers")[0]
        version = content["bundle_id"]
        error = refused(RsConnectApiRequestError, board.fs.api.get_content_bundle, content["guid"], version)
        assert error.args[0]["code"] == 19, error
        refused(PinsError, board.pin_meta, "pin-olga/pin-hers", version)
        """,
    )


def test_helpers_of_its_own_tests(clients):
    """What pins' own tests do: sign in by password, and make a key."""
    run(
        clients,
        """
        from pins.rsconnect.api import LoginConnectApi, RsConnectApi, _HackyConnect
        admin = RsConnectApi(server, api_key=key)
        assert admin.misc_ping() == {}
        made = admin.create_user(username="pin-tester", password="a long enough one", user_role="publisher")
        del os.environ["CONNECT_API_KEY"]  # or that would be used instead of the session
        api = _HackyConnect(server, api_key=None).create_first_admin("pin-tester", "a long enough one", "tester@example.org")
        assert api.get_user()["guid"] == made["guid"]
        import requests
        signed_in = LoginConnectApi("pin-tester", "a long enough one", server, requests.Session())
        assert RsConnectApi(server, api_key=signed_in.create_api_key()).get_user()["username"] == "pin-tester"
        wrong = RsConnectApi(server, api_key=None, session=requests.Session())
        wrong.session.post(f"{server}/__api__/__login__", json={"username": "pin-tester", "password": "no"})
        assert refused(RsConnectApiRequestError, wrong.get_user).args[0]["code"] == 30
        """,
    )
