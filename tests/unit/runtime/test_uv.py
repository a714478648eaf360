from __future__ import annotations

from pathlib import Path

from tholos.runtime import uv
from tholos.runtime.uv import Index


def variables(env: dict[str, str], index: Index) -> dict[str, str]:
    return uv.variables(env, index, Path("/root-of/cache"), Path("/root-of/home"))


def test_uv_gets_the_way_to_the_network_and_nothing_else_of_the_servers_environment():
    made = variables(
        {"HTTPS_PROXY": "http://p", "SSL_CERT_FILE": "/c", "DATABASE_URL": "x", "UV_INDEX": "y"}, Index()
    )
    assert made["HTTPS_PROXY"] == "http://p"
    assert made["SSL_CERT_FILE"] == "/c"
    assert "DATABASE_URL" not in made
    assert "UV_INDEX" not in made
    assert made["UV_NO_CONFIG"] == "1"
    assert made["UV_PYTHON_DOWNLOADS"] == "never"


def test_the_index_settings_are_variables():
    index = Index(
        "https://a:b@main/simple", ("https://one/simple", "https://two/simple"), ("/wheels",), is_offline=True
    )
    assert index.variables() == {
        "UV_DEFAULT_INDEX": "https://a:b@main/simple",
        "UV_INDEX": "https://one/simple https://two/simple",
        "UV_FIND_LINKS": "/wheels",
        "UV_OFFLINE": "1",
    }
    assert Index().variables() == {}
